"""The fields that the product itself has, list by list."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.platform.access.masking import FieldClass
from customers.filters.fields import Field, Kind
from customers.models import (
    PAY_METHOD_NAMES,
    PRODUCT_NAMES,
    AccountStatus,
    CustomerCategory,
    CustomerStatus,
    ListKind,
    PartyKind,
    PayType,
    SubscriberStatus,
)

LONGEST_SURNAME, LONGEST_RANGE = 6, 7
TABLES = {
    ListKind.CUSTOMERS: "customers_customer",
    ListKind.SUBSCRIBERS: "customers_subscriber",
    ListKind.ACCOUNTS: "customers_billingaccount",
}
_LINES, _ACCOUNTS = _("Any of the customer's lines"), _("Any of the customer's accounts")
_SURNAMES = _("A surname, in Chinese or pinyin. Whole names: the search box finds them.")
_RANGES = _("The first digits. Whole numbers: the search box finds them.")
_DECILE = _("1 is the tenth most likely to leave, by the newest scores.")
_ID = '"customers_customer"."id"'
_PARTY = '"customers_customer"."party_id" IN (SELECT p.id FROM customers_party p WHERE {})'
_HOME = '"customers_customer"."home_org_id" IN (SELECT h.id FROM access_orgunit h WHERE {})'
_MANAGER = '"customers_customer"."manager_id" IN (SELECT m.id FROM access_staff m WHERE {})'
_TAGS = (
    f"EXISTS (SELECT FROM customers_customertag ct JOIN customers_tag t ON t.id = ct.tag_id "
    f"WHERE ct.customer_id = {_ID} AND {{}})"
)
_A_LINE = f"EXISTS (SELECT FROM customers_subscriber s WHERE s.customer_id = {_ID} AND {{}})"
_AN_ACCOUNT = (
    f"EXISTS (SELECT FROM customers_billingaccount a WHERE a.customer_id = {_ID} AND {{}})"
)
_A_SCORE = (
    f"EXISTS (SELECT FROM customers_churnscore k WHERE k.customer_id = {_ID} "
    "AND k.as_of = (SELECT max(as_of) FROM customers_churnscore) AND {})"
)
_PRODUCTS, _METHODS = list(PRODUCT_NAMES.items()), list(PAY_METHOD_NAMES.items())


def _own(kind: ListKind, name: str, label: Any, of: Kind, column: str, **more: Any) -> Field:
    sql = f'"{TABLES[kind]}"."{column}"'
    return Field(name=name, label=label, kind=of, sql=sql, path=column, **more)


def _of(within: str, name: str, label: Any, of: Kind, sql: str, **more: Any) -> Field:
    return Field(name=name, label=label, kind=of, sql=sql, within=within, **more)


def _customer(name: str, label: Any, of: Kind, column: str, **more: Any) -> Field:
    return _own(ListKind.CUSTOMERS, name, label, of, column, **more)


_CUSTOMER = [
    _of(_PARTY, "name", pgettext_lazy("of a customer", "Name"), Kind.TEXT, "p.sort_key",
        path="party__name", mask=FieldClass.PERSON_NAME, prefix_only=LONGEST_SURNAME,
        meaning=_SURNAMES),
    _customer("number", _("Customer number"), Kind.TEXT, "number"),
    _customer("category", _("Category"), Kind.CHOICE, "category", choices=CustomerCategory.choices),
    _customer("status", _("State"), Kind.CHOICE, "status", choices=CustomerStatus.choices),
    _customer("star", _("Stars"), Kind.INTEGER, "star"),
    _of(_HOME, "home", _("Home"), Kind.UNIT, "h.code", path="home_org__name"),
    _of(_MANAGER, "manager", _("Account manager"), Kind.STAFF, "m.staff_code",
        path="manager__name"),
    _of(_TAGS, "tag", _("Tags"), Kind.TEXT, "t.name", path="tags", is_many=True),
    _of(_PARTY, "party", _("Person or organisation"), Kind.CHOICE, "p.kind", path="party__kind",
        choices=PartyKind.choices),
    _of(_PARTY, "industry", _("Industry"), Kind.TEXT, "p.industry", path="party__industry"),
    _customer("opened", _("Customer since"), Kind.DATE, "opened_on"),
    _customer("source", _("Source"), Kind.TEXT, "source"),
]  # fmt: skip


def _line(name: str, label: Any, of: Kind, column: str, **more: Any) -> Field:
    more |= {"is_many": True, "group": _LINES}
    return _of(_A_LINE, f"line_{name}", label, of, f"s.{column}", **more)


def _account(name: str, label: Any, of: Kind, column: str, **more: Any) -> Field:
    more |= {"is_many": True, "group": _ACCOUNTS}
    return _of(_AN_ACCOUNT, f"account_{name}", label, of, f"a.{column}", **more)


_HELD = [
    _line("status", _("State of a line"), Kind.CHOICE, "status", choices=SubscriberStatus.choices),
    _line("product", _("Product of a line"), Kind.TEXT, "product", choices=_PRODUCTS),
    _line("plan", _("Plan of a line"), Kind.TEXT, "plan_code"),
    _line("fee", _("Monthly fee of a line"), Kind.MONEY, "monthly_fee_fen"),
    _line("opened", _("Opening of a line"), Kind.DATE, "opened_on"),
    _line("contract", _("Contract end of a line"), Kind.DATE, "contract_ends_on"),
    _line("phone", _("Number of a line"), Kind.TEXT, "service_number",
          prefix_only=LONGEST_RANGE, meaning=_RANGES),
    _of(_A_SCORE, "churn", _("Churn risk of a line, tenth"), Kind.INTEGER, "k.decile",
        is_many=True, group=_LINES, meaning=_DECILE),
    _account("balance", _("Balance of an account"), Kind.MONEY, "balance_fen"),
    _account("status", _("State of an account"), Kind.CHOICE, "status",
             choices=AccountStatus.choices),
    _account("pay", _("Prepaid or postpaid account"), Kind.CHOICE, "pay_type",
             choices=PayType.choices),
]  # fmt: skip


def _subscriber(name: str, label: Any, of: Kind, column: str, **more: Any) -> Field:
    return _own(ListKind.SUBSCRIBERS, name, label, of, column, **more)


_SUBSCRIBER = [
    _subscriber("number", _("Subscriber number"), Kind.TEXT, "number"),
    _subscriber("phone", _("Phone number"), Kind.TEXT, "service_number", mask=FieldClass.PHONE,
                prefix_only=LONGEST_RANGE, meaning=_RANGES),
    _subscriber("product", _("Product"), Kind.TEXT, "product", choices=_PRODUCTS),
    _subscriber("plan", _("Plan"), Kind.TEXT, "plan_code"),
    _subscriber("plan_name", _("Name of the plan"), Kind.TEXT, "plan_name"),
    _subscriber("fee", _("Monthly fee"), Kind.MONEY, "monthly_fee_fen"),
    _subscriber("status", _("State"), Kind.CHOICE, "status", choices=SubscriberStatus.choices),
    _subscriber("opened", pgettext_lazy("of a line", "Opened"), Kind.DATE, "opened_on"),
    _subscriber("contract", _("Contract ends"), Kind.DATE, "contract_ends_on"),
    _subscriber("ended", pgettext_lazy("of a line", "Ended"), Kind.DATE, "ended_on"),
    _subscriber("source", _("Source"), Kind.TEXT, "source"),
]  # fmt: skip


def _billing(name: str, label: Any, of: Kind, column: str, **more: Any) -> Field:
    return _own(ListKind.ACCOUNTS, name, label, of, column, **more)


_BILLING = [
    _billing("number", _("Account number"), Kind.TEXT, "number"),
    _billing("status", _("State"), Kind.CHOICE, "status", choices=AccountStatus.choices),
    _billing("balance", _("Balance"), Kind.MONEY, "balance_fen"),
    _billing("credit", _("Credit limit"), Kind.MONEY, "credit_limit_fen"),
    _billing("pay", _("Prepaid or postpaid"), Kind.CHOICE, "pay_type", choices=PayType.choices),
    _billing("method", _("Way to pay"), Kind.TEXT, "pay_method", choices=_METHODS),
    _billing("cycle", _("Billing day"), Kind.INTEGER, "cycle_day"),
    _billing("opened", pgettext_lazy("of an account", "Opened"), Kind.DATE, "opened_on"),
    _billing("closed", pgettext_lazy("of an account", "Closed"), Kind.DATE, "closed_on"),
    _billing("source", _("Source"), Kind.TEXT, "source"),
]  # fmt: skip

_SHARED = ("name", "number", "category", "status", "star", "home", "manager", "tag")


def _through_customer(kind: ListKind, fields: Iterable[Field]) -> list[Field]:
    """Say of the customer of a line or account what was said of a customer."""
    around = (
        f'"{TABLES[kind]}"."customer_id" IN '
        '(SELECT "customers_customer"."id" FROM "customers_customer" WHERE {})'
    )
    labels = {
        "name": _("Customer"), "category": _("Category of the customer"),
        "status": _("State of the customer"), "star": _("Stars of the customer"),
        "tag": _("Tags of the customer"), "home": _("Home of the customer"),
    }  # fmt: skip
    return [
        replace(
            one,
            name=f"customer_{one.name}",
            label=labels.get(one.name, one.label),
            within=around.replace("{}", one.within or "{}"),
            path=f"customer__{one.path}",
            group=_("Customer"),
        )
        for one in fields
    ]


_OF_CUSTOMER = [one for one in _CUSTOMER if one.name in _SHARED]
DECLARED: dict[ListKind, list[Field]] = {
    ListKind.CUSTOMERS: [*_CUSTOMER, *_HELD],
    ListKind.SUBSCRIBERS: [
        *_SUBSCRIBER,
        *_through_customer(ListKind.SUBSCRIBERS, _OF_CUSTOMER),
    ],
    ListKind.ACCOUNTS: [*_BILLING, *_through_customer(ListKind.ACCOUNTS, _OF_CUSTOMER)],
}
"""Every field of the product, in the order in which it is offered."""
