"""What others may ask of customers. Doors pass the staff account; nobody leaves its reach."""

from customers.selectors.changes import FieldChange, ToldChange, customer_changes
from customers.selectors.consents import (
    Holding,
    consent_history,
    holdings_of,
    preferences_of,
)
from customers.selectors.contactability import (
    Verdict,
    contact_verdicts,
    may_contact,
    verdicts_by_channel,
)
from customers.selectors.finding import Found, Match, find_customers
from customers.selectors.history import Contact, characteristics_of
from customers.selectors.interactions import (
    current_interaction,
    desk_contacts,
    interactions_about,
    linked,
    timeline_channel,
)
from customers.selectors.lines import Line, lines_before
from customers.selectors.listing import assigned_customers, customers_with_facts
from customers.selectors.merges import survivor_number
from customers.selectors.overview import Overview, customer_overview, past_overview
from customers.selectors.unmasking import HiddenField, hidden_field

__all__ = [
    "Contact",
    "FieldChange",
    "Found",
    "HiddenField",
    "Holding",
    "Line",
    "Match",
    "Overview",
    "ToldChange",
    "Verdict",
    "assigned_customers",
    "characteristics_of",
    "consent_history",
    "contact_verdicts",
    "current_interaction",
    "customer_changes",
    "customer_overview",
    "customers_with_facts",
    "desk_contacts",
    "find_customers",
    "hidden_field",
    "holdings_of",
    "interactions_about",
    "lines_before",
    "linked",
    "may_contact",
    "past_overview",
    "preferences_of",
    "survivor_number",
    "timeline_channel",
    "verdicts_by_channel",
]
