"""What may be written down about customers. One use case is one function and one transaction."""

from customers.services.churn import record_churn_scores
from customers.services.consents import ConsentRefused, Proof, give_consent, withdraw_consent
from customers.services.preferences import PreferencesRefused, Wishes, set_preferences

__all__ = [
    "ConsentRefused",
    "PreferencesRefused",
    "Proof",
    "Wishes",
    "give_consent",
    "record_churn_scores",
    "set_preferences",
    "withdraw_consent",
]
