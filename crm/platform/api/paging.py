"""Lists in REST: a bounded number of rows and the address of the next ones; never a count."""

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from crm.platform.keyset import BadCursor, page_of

if TYPE_CHECKING:
    from rest_framework.views import APIView


class KeysetPagination(BasePagination):
    """
    `?limit=` (50, at most 200) and `?cursor=`, as `next` gave it.

    The order is the view's `ordering`, as `crm.platform.keyset.page_of` wants it: fields that
    are never null and together unique, in one direction; ("-id",) if the view names none.
    """

    default_limit = 50
    max_limit = 200
    ordering: tuple[str, ...] = ("-id",)

    def paginate_queryset(
        self, queryset: Any, request: Request, view: "APIView | None" = None
    ) -> list[Any]:
        """
        :raises ValidationError: for a limit that is none, or a cursor that is not ours.
        """
        self._url = request.build_absolute_uri()
        try:
            self._page = page_of(
                queryset,
                ordering=getattr(view, "ordering", None) or self.ordering,
                cursor=request.query_params.get("cursor"),
                limit=self._limit(request.query_params.get("limit")),
            )
        except BadCursor as error:
            said = _("This cursor is not one of this list's. Start without one.")
            raise ValidationError({"cursor": said}) from error
        return self._page.rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"items": data, "next": self._link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        next_page = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["items", "next"],
            "properties": {"items": schema, "next": next_page},
        }

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": self.max_limit}
        return [
            {"name": "limit", "in": "query", "schema": limit},
            {"name": "cursor", "in": "query", "schema": {"type": "string"}},
        ]

    def _limit(self, given: str | None) -> int:
        if given is None:
            return self.default_limit
        fits = given.isascii() and given.isdigit() and len(given) <= 3
        if not fits or not 1 <= int(given) <= self.max_limit:
            said = _("A whole number from 1 to %(most)s.") % {"most": self.max_limit}
            raise ValidationError({"limit": said})
        return int(given)

    def _link(self) -> str | None:
        if self._page.next is None:
            return None
        return replace_query_param(
            remove_query_param(self._url, "cursor"), "cursor", self._page.next
        )
