"""What may be written down about customers. One use case is one function and one transaction."""

from customers.merging.candidates import CandidateRefused, find_duplicates, reject_candidate
from customers.merging.merge import MergeRefused, merge_customers
from customers.merging.undo import UndoRefused, undo_merge
from customers.services.churn import record_churn_scores
from customers.services.consents import ConsentRefused, Proof, give_consent, withdraw_consent
from customers.services.preferences import PreferencesRefused, Wishes, set_preferences

__all__ = [
    "CandidateRefused",
    "ConsentRefused",
    "MergeRefused",
    "PreferencesRefused",
    "Proof",
    "UndoRefused",
    "Wishes",
    "find_duplicates",
    "give_consent",
    "merge_customers",
    "record_churn_scores",
    "reject_candidate",
    "set_preferences",
    "undo_merge",
    "withdraw_consent",
]
