"""What happens in this app, by name. A published name is for ever: never rename, only add."""

DEMO_MADE = "customers.demo.made"
