"""`/api/v1/customers/<number>/looks`: who looked at the customer."""

from datetime import date
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from crm.platform.api.permissions import requires
from crm.platform.audit.forms import LookFilter
from crm.platform.audit.models import AccessAction, AccessRecord
from crm.platform.audit.selectors import looks_at
from customers.api.doors import record_look, staff_of, visible_customer

_FILTERS = [
    OpenApiParameter("staff", str, description="Staff code of whoever looked."),
    OpenApiParameter("action", str, enum=AccessAction.values),
    OpenApiParameter("since", date, description="Day, YYYY-MM-DD."),
    OpenApiParameter("until", date, description="Day, included."),
]


class LookSerializer(serializers.ModelSerializer[AccessRecord]):
    """One look: who and where from, at what, how much of it and why."""

    staff = serializers.SlugRelatedField[Any](slug_field="staff_code", read_only=True)
    org = serializers.SlugRelatedField[Any](slug_field="code", read_only=True)

    class Meta:
        model = AccessRecord
        fields = [
            "id", "at", "staff", "org", "role_codes", "action", "result", "object_type",
            "object_id", "field_classes", "row_count", "reason", "interaction_id",
        ]  # fmt: skip


class Looks(ListAPIView[AccessRecord]):
    """Who looked at the customer, newest first; this look is one of them the next time."""

    permission_classes = [requires("audit.view_look", scope="customers:read")]
    serializer_class = LookSerializer
    ordering = ("-at", "-id")
    queryset = AccessRecord.objects.none()

    @extend_schema(parameters=_FILTERS)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.customer = visible_customer(request, kwargs["number"])
        response = self.list(request)
        record_look(request, self.customer, part="looks", rows=len(response.data["items"]))
        return response

    def get_queryset(self) -> QuerySet[AccessRecord]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        asked = LookFilter(self.request.query_params)
        if not asked.is_valid():
            raise ValidationError(
                {name: [str(one) for one in said] for name, said in asked.errors.items()}
            )
        looks = looks_at(customer_id=self.customer.pk, staff=staff_of(self.request))
        return looks.filter(asked.condition())
