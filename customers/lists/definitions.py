"""What each list is made of: its rows, its orders, the columns it opens with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.platform.access.models import Staff
from customers.models import BillingAccount, Customer, ListKind, Subscriber

MOST_COLUMNS = 14


@dataclass(frozen=True)
class Order:
    """
    One order of a list. `by` is a keyset along an index: never null, unique, in one direction.
    """

    name: str
    label: str | Promise
    by: tuple[str, ...]


@dataclass(frozen=True)
class Definition:
    """One list. `to_customer` is the ORM's way from a row to its customer."""

    kind: ListKind
    label: str | Promise
    visible_to: Callable[[Staff], QuerySet[Any]]
    orders: tuple[Order, ...]
    columns: tuple[str, ...]
    to_customer: str

    def order(self, name: str) -> Order:
        """:raises KeyError: for an order that there is not."""
        return {order.name: order for order in self.orders}[name]


def _accounts(staff: Staff) -> QuerySet[Any]:
    return BillingAccount.objects.filter(customer__in=Customer.objects.visible_to(staff))


LISTS = {
    ListKind.CUSTOMERS: Definition(
        kind=ListKind.CUSTOMERS,
        label=_("Customers"),
        visible_to=lambda staff: Customer.objects.visible_to(staff),
        orders=(
            Order("name", _("by name"), ("party__sort_key", "party_id")),
            Order("number", _("by number"), ("number",)),
            Order("newest", _("newest first"), ("-opened_on", "-id")),
            Order("oldest", _("oldest first"), ("opened_on", "id")),
        ),
        columns=("name", "number", "category", "status", "star", "home", "opened", "tag"),
        to_customer="",
    ),
    ListKind.SUBSCRIBERS: Definition(
        kind=ListKind.SUBSCRIBERS,
        label=pgettext_lazy("subscribers", "Lines"),
        visible_to=lambda staff: Subscriber.objects.visible_to(staff),
        orders=(
            Order("number", _("by number"), ("number",)),
            Order("newest", _("newest first"), ("-opened_on", "-id")),
            Order("oldest", _("oldest first"), ("opened_on", "id")),
        ),
        columns=("customer_name", "number", "phone", "plan_name", "fee", "status", "contract"),
        to_customer="customer__",
    ),
    ListKind.ACCOUNTS: Definition(
        kind=ListKind.ACCOUNTS,
        label=_("Accounts"),
        visible_to=_accounts,
        orders=(
            Order("owed", _("most owed first"), ("balance_fen", "id")),
            Order("balance", _("highest balance first"), ("-balance_fen", "-id")),
            Order("number", _("by number"), ("number",)),
        ),
        columns=("customer_name", "number", "balance", "status", "pay", "method", "opened"),
        to_customer="customer__",
    ),
}
"""The lists that there are. The first order of each is the one it opens in."""
