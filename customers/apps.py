from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from crm.platform.history.kept import Dated, Kept
from crm.platform.ui.navigation import NavEntry
from customers.merging.moves import Moves

_FACE_TO_FACE = [
    "customers.view_customer",
    "customers.search_customer",
    "customers.search_customer_by_name",
    "customers.view_bill",
    "customers.view_consent",
    "customers.view_contactpreference",
    "customers.view_note",
]

_LIST = ["customers.list_customer", "jobs.view_job"]
_CARE = ["customers.tag_customer", "customers.share_view"]
_SHOW = [
    *_FACE_TO_FACE,
    "customers.unmask_contact",
    "customers.add_consent",
    "customers.add_contactpreference",
    "customers.serve_customer",
    "customers.add_note",
]
_DATA_CARE = [
    "customers.review_duplicates",
    "customers.merge_customer",
    "customers.correct_party",
    "customers.review_identity",
]


class CustomersConfig(AppConfig):
    name = "customers"
    role_permissions = {
        "clerk": _SHOW,
        "hallmanager": [*_SHOW, *_LIST, *_CARE, *_DATA_CARE, "customers.change_category"],
        "agent": _SHOW,
        "teamlead": [*_SHOW, *_LIST, *_CARE, *_DATA_CARE],
        "accountmanager": [
            *_SHOW,
            *_LIST,
            "customers.tag_customer",
            "customers.export_list",
            "customers.review_identity",
        ],
        "dispatcher": [*_SHOW, *_DATA_CARE, "customers.record_interaction"],
        "auditor": [
            *_FACE_TO_FACE,
            *_LIST,
            "customers.export_list",
            "customers.review_duplicates",
            "customers.review_identity",
        ],
        "manager": [
            *_FACE_TO_FACE,
            *_LIST,
            *_CARE,
            "customers.assign_manager",
            "customers.change_category",
            "customers.export_list",
            "customers.review_duplicates",
            "customers.merge_customer",
            "customers.review_identity",
        ],
    }
    oauth_scopes = {
        "customers:read": _("Read customers, lines and accounts, masked"),
        "customers:write": _("Write down what customers decide and wish"),
    }
    navigation = [
        NavEntry(
            code="customers",
            label=_("Customers"),
            url_name="customers:customers",
            permission="customers.list_customer",
            icon="users",
            order=10,
        ),
        NavEntry(
            code="duplicates",
            label=_("Duplicates"),
            url_name="merging:queue",
            permission="customers.review_duplicates",
            icon="arrow-merge",
            order=30,
        ),
        NavEntry(
            code="identity",
            label=_("Identity due"),
            url_name="care:due",
            permission="customers.review_identity",
            icon="id",
            order=31,
        ),
    ]

    kept_history = (
        Kept("customers.Party"),
        Kept("customers.PartyIdentification", found_by=("party_id",)),
        Kept("customers.ContactMedium", found_by=("party_id",)),
        Kept("customers.Customer", found_by=("party_id",)),
        Kept("customers.BillingAccount", found_by=("customer_id",)),
        Kept("customers.Subscriber", found_by=("customer_id",)),
        Kept("customers.SubscriberStatusPeriod", found_by=("subscriber_id",)),
        Kept("customers.ServiceStop", found_by=("subscriber_id",)),
        Kept("customers.CustomerTag", found_by=("customer_id",)),
        Kept("customers.Note", found_by=("customer_id",)),
        Kept("customers.PayRelation", found_by=("subscriber_id", "account_id")),
    )
    dated_history = (
        Dated("customers.Interaction", known="started_at <= history_moment()"),
        Dated("customers.Payment", known="paid_at <= history_moment()"),
        Dated("customers.ChurnScore", known="scored_at <= history_moment()"),
        Dated("customers.Consent", known="recorded_at <= history_moment()"),
        Dated("customers.ContactPreference", known="set_at <= history_moment()"),
        # Billing says nothing of when it knew: a month is known once it is over.
        Dated("customers.Bill", known="month + interval '1 month' <= history_moment()"),
        Dated("customers.MonthlyUsage", known="month + interval '1 month' <= history_moment()"),
    )

    moves_on_merge = (
        Moves("customers.BillingAccount"),
        Moves("customers.Subscriber"),
        Moves("customers.PartyIdentification", owner="party_id", once=("kind", "number_hash")),
        Moves(
            "customers.ContactMedium",
            owner="party_id",
            once=("kind", "value"),
            when="{t}.ends_at IS NULL",
        ),
        Moves("customers.PartyCorrection"),
        Moves("customers.CustomerTag", once=("tag_id",)),
        Moves("customers.Note"),
        Moves("customers.DeskContact"),
        Moves(
            "customers.Bill",
            key="to_char(t.month, 'YYYYMMDD') || '/' || t.account_id || '/' || t.number",
            account="account_id",
        ),
        Moves("customers.Payment", key="t.number", account="account_id"),
        Moves(
            "customers.MonthlyUsage",
            key="to_char(t.month, 'YYYYMMDD') || '/' || t.subscriber_id",
            line="subscriber_id",
        ),
        Moves("customers.Interaction", line="subscriber_id"),
        Moves("customers.DeskContact"),
        Moves("customers.Note"),
        Moves(
            "customers.ChurnScore",
            key="to_char(t.as_of, 'YYYYMMDD') || '/' || t.subscriber_id",
            line="subscriber_id",
        ),
    )
    stays_on_merge = (
        "customers.Customer",  # the record itself stays, as what was merged
        "customers.CustomerMerge",
        "customers.DuplicateCandidate",
        "customers.SearchKey",  # made anew
        "customers.BulkItem",  # what became of the record it names
        "customers.Consent",  # a ledger; what the customer forbade is copied
        "customers.ContactPreference",
        "audit.AccessRecord",  # who looked at which record is never rewritten
    )

    def ready(self) -> None:
        # Its feeds build on the models, which are not there before this moment.
        import_module("customers.feeds.catalogue")
        import_module("customers.merging.jobs")
        import_module("customers.merging.handlers")
