"""`/api/v1/customers`, `/subscribers`, `/accounts`: the lists of the pages, for programs."""

from collections.abc import Iterable
from typing import Any

from django.http import Http404, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from crm.platform.access.models import Staff
from crm.platform.api.permissions import requires
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from crm.platform.errors import DomainError
from crm.platform.keyset import BadCursor
from customers.filters import Field
from customers.lists.budget import OverBudget
from customers.lists.cells import class_of, plain
from customers.lists.reading import PAGE, page_of_list, with_values
from customers.lists.wanted import Wanted, from_address
from customers.models import ListKind

MOST = 200
_LIST = [
    OpenApiParameter(
        "fields", str, description="Names of fields, comma-separated; the list's own without it."
    ),
    OpenApiParameter("sort", str, description="The name of an order of the list."),
    OpenApiParameter("limit", int, description=f"1 to {MOST}; {PAGE} without it."),
    OpenApiParameter("cursor", str, description="As `next` gave it."),
    OpenApiParameter(
        "filters",
        OpenApiTypes.OBJECT,
        style="form",
        explode=True,
        description=(
            "Any field: `category=VIP`, `balance.between=..-0.01`, `tag.in=a,b`, "
            "`manager.empty=yes`, `x.tenure.not=3`. Joined with AND."
        ),
    ),
]
_ROW = {"type": "object", "additionalProperties": True, "required": ["number"]}
_PAGE = {
    "type": "object",
    "required": ["items", "next"],
    "properties": {
        "items": {"type": "array", "items": _ROW},
        "next": {"type": "string", "format": "uri", "nullable": True},
        "looked_through": {
            "type": "integer",
            "description": "Rows looked at where no index serves the filter; 0: all that match.",
        },
    },
}


class _OfMany(AutoSchema):
    """Names the operation a list, which the shape of its answer does not tell."""

    def get_operation_id(self) -> str:
        return f"{self.view.kind.value}_list"  # type: ignore[attr-defined]


class TooSlow(APIException):
    status_code = 503
    default_code = "over_budget"


class ListOfRows(APIView):
    """The rows that match within the account's reach, masked, by keyset; never a count."""

    schema = _OfMany()
    permission_classes = [requires("customers.list_customer")]
    kind = ListKind.CUSTOMERS

    @extend_schema(parameters=_LIST, responses={(200, "application/json"): _PAGE})
    def get(self, request: Request) -> Response:
        wanted, limit = wanted_of(self.kind, request), _limit(request)
        try:
            page = page_of_list(
                staff=_staff(request),
                wanted=wanted,
                cursor=request.query_params.get("cursor"),
                limit=limit,
                today=timezone.localdate(),
            )
        except DomainError as error:
            raise _invalid(error) from error
        except BadCursor as error:
            said = _("This cursor is not one of this list's. Start without one.")
            raise ValidationError({"cursor": said}) from error
        except OverBudget as error:
            raise TooSlow(_("This takes too long to answer. Ask for less.")) from error
        _record(request, wanted, page.rows, asked=(c.key for c in wanted.conditions))
        url = request.build_absolute_uri()
        return Response(
            {
                "items": [item(wanted, row) for row in page.rows],
                "next": replace_query_param(url, "cursor", page.next) if page.next else None,
                "looked_through": page.looked_through,
            }
        )


class OneRow(APIView):
    """One customer, line or account by its number, within the account's reach, masked."""

    permission_classes = [requires("customers.view_customer")]
    kind = ListKind.CUSTOMERS

    @extend_schema(parameters=_LIST[:1], responses={(200, "application/json"): _ROW})
    def get(self, request: Request, number: str) -> Response:
        wanted = wanted_of(self.kind, request, every=True)
        to = wanted.definition.to_customer
        visible = wanted.definition.visible_to(_staff(request)).filter(number=number)
        row = with_values(visible, wanted).first()
        if row is None:
            raise Http404
        customer = visible.values_list(f"{to}pk", flat=True).first()
        _record(request, wanted, [row], asked=[number], customer_id=customer)
        return Response(item(wanted, row))


def wanted_of(kind: ListKind, request: Request, *, every: bool = False) -> Wanted:
    """
    Read the address. `every` for all fields where none are named, and for no conditions.

    :raises ValidationError: for a field, operator, value, column or order that there is not.
    """
    asked = QueryDict(mutable=True)
    if not every:
        asked.update(request.query_params)
    asked.pop("cols", None)
    if names := request.query_params.get("fields"):
        asked["cols"] = names
    try:
        wanted = from_address(kind, asked)
    except DomainError as error:
        raise _invalid(error) from error
    if every and not names:
        shown = tuple(field.name for field in wanted.fields.values() if field.path)
        return Wanted(kind, wanted.fields, (), shown)
    return wanted


def item(wanted: Wanted, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as JSON has it: money in fen, days as ISO, everything personal masked."""
    to = wanted.definition.to_customer
    fixed = {"number": row["number"]} | ({"customer": row[f"{to}number"]} if to else {})
    return fixed | {field.name: plain(field, row) for field in wanted.shown}


def _limit(request: Request) -> int:
    given = request.query_params.get("limit", str(PAGE))
    fits = given.isascii() and given.isdigit() and len(given) <= 3
    if not fits or not 1 <= int(given) <= MOST:
        raise ValidationError({"limit": _("A whole number from 1 to %(most)s.") % {"most": MOST}})
    return int(given)


def _record(
    request: Request,
    wanted: Wanted,
    rows: list[dict[str, Any]],
    *,
    asked: Iterable[str],
    customer_id: int | None = None,
) -> None:
    masked: list[Field] = [field for field in wanted.shown if field.mask]
    kind = "" if customer_id else ".list"
    record_access(
        request=request,
        actor=_staff(request),
        action=AccessAction.VIEW,
        object_type=f"customers{kind}.{wanted.kind.value}",
        object_id="+".join(asked),
        customer_id=customer_id,
        field_classes={class_of(field, row) for field in masked for row in rows},
        row_count=len(rows),
        at=timezone.now(),
    )


def _invalid(error: DomainError) -> ValidationError:
    details: dict[str, list[str]] = {}
    for refusal in error.refusals:
        details.setdefault(refusal.field or "filter", []).append(refusal.message)
    return ValidationError(details or {"filter": [str(error)]})


def _staff(request: Request) -> Staff:
    assert isinstance(request.user, Staff)
    return request.user
