"""What happens in this app, by name. A published name is for ever: never rename, only add."""

CONSENT_GIVEN = "customers.consent.given"
CONSENT_WITHDRAWN = "customers.consent.withdrawn"
DEMO_MADE = "customers.demo.made"
PREFERENCES_SET = "customers.preferences.set"
