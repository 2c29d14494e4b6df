"""
All about one customer, in few queries whatever they have: the 360 page reads this.

Lists stop at a screenful and say how many there are; what is kept by the month is asked for
the last thirteen months only, so that the planner opens thirteen partitions and not a hundred.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, Min, OuterRef, Q, QuerySet, Sum, Window
from django.db.models.functions import JSONObject

from crm.platform.access.models import Staff
from crm.platform.prepared import Prepared, PreparedForReach, Slot
from customers.models import (
    AccountStatus,
    Bill,
    BillingAccount,
    ContactMedium,
    Customer,
    IdentificationKind,
    MediumKind,
    MonthlyUsage,
    PartyIdentification,
)
from customers.selectors.history import Contact, last_contact_of, recent_months
from customers.selectors.lines import Line, lines_of
from customers.selectors.unmasking import HiddenField, name_of, value_of

ACCOUNTS = 10


@dataclass(frozen=True)
class Document:
    """An identity document, its number masked for good."""

    kind: IdentificationKind
    number_masked: str
    valid_to: date | None
    verified_at: datetime | None


@dataclass(frozen=True)
class Medium:
    """One way to reach the customer."""

    kind: MediumKind
    is_preferred: bool
    field: HiddenField


@dataclass(frozen=True)
class Money:
    """What the accounts of a customer say together, in fen. `owed_fen` is not negative."""

    balance_fen: int
    owed_fen: int
    dunning: int
    as_of: datetime | None


@dataclass(frozen=True)
class MonthOfBills:
    month: date
    billed_fen: int
    paid_fen: int


@dataclass(frozen=True)
class Overview:
    """One customer with everything the page shows. `…_count` are true counts, lists are not."""

    customer: Customer
    name: HiddenField
    documents: list[Document]
    media: list[Medium]
    lines: list[Line]
    line_count: int
    live_line_count: int
    stopped_line_count: int
    contract_ends_on: date | None
    accounts: list[BillingAccount]
    account_count: int
    money: Money
    months: list[date]
    bills: list[MonthOfBills]
    usage: list[dict[str, Any]]
    last_contact: Contact | None

    @property
    def verified_document(self) -> Document | None:
        """The document whose holder was seen most recently, if any was."""
        verified = [(one.verified_at, n) for n, one in enumerate(self.documents) if one.verified_at]
        return self.documents[max(verified)[1]] if verified else None


def customer_overview(*, staff: Staff, number: str, at: datetime, today: date) -> Overview:
    """
    Return the customer with this number, if the account may see it, in six queries.

    :raises Customer.DoesNotExist: if there is none, or it is out of reach.
    """
    return _overview_of(_CUSTOMER[staff].first(number=number, at=at), at=at, today=today)


def past_overview(*, customer: Customer, at: datetime, today: date) -> Overview:
    """
    Return a customer whom the account may see now as they were, to be called within `as_of`.

    :raises Customer.DoesNotExist: if they were not there then.
    """
    return _overview_of(_CUSTOMER_THEN.first(pk=customer.pk, at=at), at=at, today=today)


def _overview_of(customer: Any, *, at: datetime, today: date) -> Overview:
    if customer is None:
        raise Customer.DoesNotExist
    lines = lines_of(customer=customer, today=today)
    accounts = _ACCOUNTS.rows(customer=customer.pk)
    months = recent_months(today)
    first: Any = lines[0].subscriber if lines else None
    return Overview(
        customer=customer,
        name=name_of(customer),
        documents=[_document(row) for row in customer.documents],
        media=[_medium(row) for row in customer.media],
        lines=lines,
        line_count=first.all_lines if first else 0,
        live_line_count=first.live_lines if first else 0,
        stopped_line_count=first.stopped_lines if first else 0,
        contract_ends_on=first.first_contract_end if first else None,
        accounts=accounts,
        account_count=accounts[0].all_accounts if accounts else 0,
        money=_money(accounts),
        months=months,
        bills=_bills(customer, months),
        usage=_usage(customer, months),
        last_contact=last_contact_of(customer=customer, at=at),
    )


def _documents() -> ArraySubquery:
    rows = PartyIdentification.objects.filter(party=OuterRef("party_id")).order_by("pk")
    return ArraySubquery(
        rows.values(
            row=JSONObject(
                kind="kind",
                number_masked="number_masked",
                valid_to="valid_to",
                verified_at="verified_at",
            )
        )
    )


def _document(row: dict[str, Any]) -> Document:
    return Document(
        kind=IdentificationKind(row["kind"]),
        number_masked=row["number_masked"],
        valid_to=row["valid_to"] and date.fromisoformat(row["valid_to"]),
        verified_at=row["verified_at"] and datetime.fromisoformat(row["verified_at"]),
    )


def _media() -> ArraySubquery:
    current = (
        ContactMedium.objects.filter(party=OuterRef("party_id"), starts_at__lte=Slot("at"))
        .filter(Q(ends_at=None) | Q(ends_at__gt=Slot("at")))
        .order_by("kind", "-is_preferred", "pk")[:12]
    )
    return ArraySubquery(
        current.values(
            row=JSONObject(id="id", kind="kind", value="value", is_preferred="is_preferred")
        )
    )


def _whole(customers: QuerySet[Customer]) -> QuerySet[Customer]:
    return customers.select_related("party", "home_org", "manager").annotate(
        documents=_documents(), media=_media()
    )


_CUSTOMER = PreparedForReach(
    lambda staff: _whole(Customer.objects.visible_to(staff)).filter(number=Slot("number"))
)
_CUSTOMER_THEN = Prepared(lambda: _whole(Customer.objects.filter(pk=Slot("pk"))))


def _medium(row: dict[str, Any]) -> Medium:
    field = value_of(medium_id=row["id"], kind=row["kind"], value=row["value"])
    return Medium(MediumKind(row["kind"]), row["is_preferred"], field)


def _accounts() -> QuerySet[Any]:
    """Open accounts first, those that owe most first, each with the sums of them all."""
    return (
        BillingAccount.objects.filter(customer=Slot("customer"))
        .annotate(
            all_accounts=Window(Count("pk")),
            all_balance=Window(Sum("balance_fen")),
            all_owed=Window(Sum("balance_fen", filter=Q(balance_fen__lt=0))),
            all_dunning=Window(Count("pk", filter=Q(status=AccountStatus.DUNNING))),
            oldest_as_of=Window(Min("balance_as_of")),
        )
        .order_by(F("closed_on").desc(nulls_first=True), "balance_fen", "pk")
    )[:ACCOUNTS]


_ACCOUNTS = Prepared(_accounts)


def _money(accounts: list[Any]) -> Money:
    if not accounts:
        return Money(0, 0, 0, None)
    first = accounts[0]
    return Money(
        balance_fen=first.all_balance,
        owed_fen=-(first.all_owed or 0),
        dunning=first.all_dunning,
        as_of=first.oldest_as_of,
    )


_BILLS = Prepared(
    lambda: (
        Bill.objects.filter(
            customer_id=Slot("customer"), month__gte=Slot("first"), month__lte=Slot("last")
        )
        .order_by("month")
        .values("month")
        .annotate(billed=Sum("amount_fen"), paid=Sum("paid_fen"))
    )
)
_USAGE = Prepared(
    lambda: (
        MonthlyUsage.objects.filter(
            customer_id=Slot("customer"), month__gte=Slot("first"), month__lte=Slot("last")
        )
        .order_by("month")
        .values("month")
        .annotate(
            voice_seconds=Sum(F("voice_out_seconds") + F("voice_in_seconds")),
            sms=Sum("sms_count"),
            data=Sum("data_kb"),
            roaming=Sum("roaming_kb"),
            dropped=Sum("dropped_calls"),
        )
    )
)


def _bills(customer: Customer, months: list[date]) -> list[MonthOfBills]:
    rows = _BILLS.rows(customer=customer.pk, first=months[0], last=months[-1])
    return [MonthOfBills(row["month"], int(row["billed"]), int(row["paid"])) for row in rows]


def _usage(customer: Customer, months: list[date]) -> list[dict[str, Any]]:
    """Return one row a month that has usage: seconds, messages, kilobytes of all lines."""
    return _USAGE.rows(customer=customer.pk, first=months[0], last=months[-1])
