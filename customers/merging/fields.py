"""Which fields of two records a person chooses between, and how a choice is written and undone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from crm.platform.access.masking import FieldClass
from customers.models import Customer, CustomerMerge, PartyIdentification, PartyKind

Change = dict[str, Any]
Group = list[Change]


@dataclass(frozen=True)
class MergeField:
    """
    One field to choose. `columns` go together. `on` is "party" or "customer"; `kind` limits
    it to persons or organisations; `field_class` says how it is masked.
    """

    name: str
    label: str | Promise
    on: str
    columns: tuple[str, ...]
    kind: str = ""
    field_class: str = ""

    def row(self, customer: Customer) -> Model:
        return customer.party if self.on == "party" else customer

    def value(self, customer: Customer) -> Any:
        return getattr(self.row(customer), self.columns[0])

    def applies_to(self, customer: Customer) -> bool:
        return not self.kind or self.kind == customer.party.kind


_PERSON, _ORGANISATION = PartyKind.INDIVIDUAL.value, PartyKind.ORGANISATION.value
FIELDS = (
    MergeField("name", pgettext_lazy("of a customer", "Name"), "party", ("name", "sort_key"),
               field_class=FieldClass.PERSON_NAME),
    MergeField("birth_date", _("Birth date"), "party", ("birth_date",), kind=_PERSON,
               field_class=FieldClass.BIRTH_DATE),
    MergeField("sex", _("Sex"), "party", ("sex",), kind=_PERSON),
    MergeField("industry", _("Industry"), "party", ("industry",), kind=_ORGANISATION),
    MergeField("legal_representative", _("Legal representative"), "party",
               ("legal_representative",), kind=_ORGANISATION, field_class=FieldClass.PERSON_NAME),
    MergeField("category", _("Category"), "customer", ("category",)),
    MergeField("star", _("Stars"), "customer", ("star",)),
    MergeField("home_org", _("Home organisation"), "customer", ("home_org_id",)),
    MergeField("manager", _("Account manager"), "customer", ("manager_id",)),
    MergeField("opened_on", _("Customer since"), "customer", ("opened_on",)),
    MergeField("characteristics", _("From the operator's files"), "customer",
               ("characteristics", "characteristics_as_of")),
)  # fmt: skip
BY_NAME = {field.name: field for field in FIELDS}
_NOTHING: tuple[Any, ...] = (None, "", 0, {})


def suggested(field: MergeField, *, survivor: Customer, absorbed: Customer) -> bool:
    """
    Return whether the absorbed record's value is the better: the survivor has none; for
    "customer since", the earlier day.
    """
    ours, theirs = field.value(survivor), field.value(absorbed)
    if field.name == "opened_on":
        return bool(theirs < ours)
    return ours in _NOTHING and theirs not in _NOTHING


def take_fields(*, survivor: Customer, absorbed: Customer, names: Iterable[str]) -> list[Group]:
    """Give the survivor these fields of the absorbed record; return what that changed."""
    groups = []
    for name in dict.fromkeys(names):
        field = BY_NAME[name]
        if not field.applies_to(survivor):
            continue
        source, target = field.row(absorbed), field.row(survivor)
        group = [
            _change(target, column, after)
            for column in field.columns
            if getattr(target, column) != (after := getattr(source, column))
        ]
        if group:
            groups.append(group)
            _write(group, "after")
    return groups


def carry_verification(*, survivor: Customer, absorbed: Customer) -> list[Group]:
    """
    Where both have one document and only the absorbed party's copy was verified, verify the
    survivor's instead: the database lets one party alone have a verified document.
    """
    columns = ("verified_at", "verified_by", "valid_to", "issuer")
    ours = {
        (row.kind, bytes(row.number_hash)): row
        for row in PartyIdentification.objects.filter(party_id=survivor.party_id, verified_at=None)
    }
    groups = []
    for theirs in PartyIdentification.objects.filter(
        party_id=absorbed.party_id, verified_at__isnull=False
    ).order_by("pk"):
        mine = ours.get((theirs.kind, bytes(theirs.number_hash)))
        if mine is None:
            continue
        group = [_change(theirs, "verified_at", None), _change(theirs, "verified_by", "")]
        group += [_change(mine, column, getattr(theirs, column)) for column in columns]
        groups.append(group)
        _write(group, "after")
    return groups


def take_back(merge: CustomerMerge) -> int:
    """
    Give back what a merge changed wherever nobody changed it since; return how many groups.

    What a later merge found here is its "before": there the value is replaced, so that its own
    undo does not bring this merge's value again.
    """
    later = list(
        CustomerMerge.objects.select_for_update()
        .in_force()
        .filter(survivor_id=merge.survivor_id, pk__gt=merge.pk)
        .order_by("pk")
    )
    given_back = 0
    for group in reversed(merge.changes):
        if all(_now(change) == change["after"] for change in group):
            _write(group[::-1], "before")
            given_back += 1
        else:
            _hand_down(group, later)
    return given_back


def _hand_down(group: Group, later: list[CustomerMerge]) -> None:
    """Let the first later merge that wrote over this group remember what was before it."""
    for merge in later:
        heirs = [
            (theirs, mine)
            for mine in group
            for their_group in merge.changes
            for theirs in their_group
            if _place(theirs) == _place(mine) and theirs["before"] == mine["after"]
        ]
        if heirs:
            for theirs, mine in heirs:
                theirs["before"] = mine["before"]
            merge.save(update_fields=["changes", "updated_at"])
            return


def _place(change: Change) -> tuple[str, int, str]:
    return change["model"], change["id"], change["column"]


def _change(row: Model, column: str, after: Any) -> Change:
    return {
        "model": row._meta.label,
        "id": row.pk,
        "column": column,
        "before": _plain(getattr(row, column)),
        "after": _plain(after),
    }


def _plain(value: Any) -> Any:
    """Return the value as JSON keeps it, so that what was kept and what is compare equal."""
    return value.isoformat() if isinstance(value, date) else value


def _now(change: Change) -> Any:
    rows = apps.get_model(change["model"])._default_manager.filter(pk=change["id"])
    return _plain(rows.values_list(change["column"], flat=True).first())


def _write(group: Group, which: str) -> None:
    for change in group:
        model = apps.get_model(change["model"])
        field = model._meta.get_field(change["column"].removesuffix("_id"))
        value = change[which]
        if not field.is_relation:
            value = field.to_python(value)
        model._default_manager.filter(pk=change["id"]).update(**{change["column"]: value})
