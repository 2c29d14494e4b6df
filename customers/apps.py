from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from crm.platform.history.kept import Dated, Kept
from crm.platform.ui.navigation import NavEntry

_FACE_TO_FACE = [
    "customers.view_customer",
    "customers.search_customer",
    "customers.search_customer_by_name",
    "customers.view_bill",
    "customers.view_consent",
    "customers.view_contactpreference",
]

_LIST = ["customers.list_customer", "jobs.view_job"]
_CARE = ["customers.tag_customer", "customers.share_view"]
_SHOW = [
    *_FACE_TO_FACE,
    "customers.unmask_contact",
    "customers.add_consent",
    "customers.add_contactpreference",
]


class CustomersConfig(AppConfig):
    name = "customers"
    role_permissions = {
        "clerk": _SHOW,
        "hallmanager": [*_SHOW, *_LIST, *_CARE, "customers.change_category"],
        "agent": _SHOW,
        "teamlead": [*_SHOW, *_LIST, *_CARE],
        "accountmanager": [
            *_SHOW,
            *_LIST,
            "customers.tag_customer",
            "customers.export_list",
        ],
        "dispatcher": _SHOW,
        "auditor": [*_FACE_TO_FACE, *_LIST, "customers.export_list"],
        "manager": [
            *_FACE_TO_FACE,
            *_LIST,
            *_CARE,
            "customers.assign_manager",
            "customers.change_category",
            "customers.export_list",
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
        )
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

    def ready(self) -> None:
        # Its feeds build on the models, which are not there before this moment.
        import_module("customers.feeds.catalogue")
