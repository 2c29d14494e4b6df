"""What may be written down about customers. One use case is one function and one transaction."""

from customers.care.correction import CorrectionRefused, RightDocument, correct_party
from customers.merging.candidates import CandidateRefused, find_duplicates, reject_candidate
from customers.merging.merge import MergeRefused, merge_customers
from customers.merging.undo import UndoRefused, undo_merge
from customers.services.churn import record_churn_scores
from customers.services.consents import ConsentRefused, Proof, give_consent, withdraw_consent
from customers.services.interactions import (
    InteractionRefused,
    Meanwhile,
    authenticate,
    close_interaction,
    link_interaction,
    open_interaction,
    park_interaction,
    require_interaction,
    resume_interaction,
)
from customers.services.notes import NoteRefused, edit_note, mark_mention_seen, write_note
from customers.services.preferences import PreferencesRefused, Wishes, set_preferences
from customers.services.recorded import Record, record_interaction

__all__ = [
    "CandidateRefused",
    "ConsentRefused",
    "CorrectionRefused",
    "InteractionRefused",
    "Meanwhile",
    "MergeRefused",
    "NoteRefused",
    "PreferencesRefused",
    "Proof",
    "Record",
    "RightDocument",
    "UndoRefused",
    "Wishes",
    "authenticate",
    "close_interaction",
    "correct_party",
    "edit_note",
    "find_duplicates",
    "give_consent",
    "link_interaction",
    "mark_mention_seen",
    "merge_customers",
    "open_interaction",
    "park_interaction",
    "record_churn_scores",
    "record_interaction",
    "reject_candidate",
    "require_interaction",
    "resume_interaction",
    "set_preferences",
    "undo_merge",
    "withdraw_consent",
    "write_note",
]
