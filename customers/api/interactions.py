"""`/api/v1/interactions` and `/api/v1/customers/<number>/timeline`."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.platform.access.masking import mask_in_text
from crm.platform.access.models import Staff
from crm.platform.api.idempotency import IdempotentMixin
from crm.platform.api.paging import KeysetPagination
from crm.platform.api.permissions import requires
from customers.api.doors import record_look, staff_of, visible_customer
from customers.models import AuthMethod, Channel, Customer, Direction, Interaction, Purpose
from customers.services import Record, record_interaction
from customers.timeline.entry import Mark
from customers.timeline.reading import Show, timeline_of


class InteractionSerializer(serializers.Serializer[Any]):
    """
    A contact. `number` is the telling system's own reference: told twice it counts once. The
    `staff` and `subscriber` are named by staff code and line number.
    """

    id = serializers.UUIDField(read_only=True)
    number = serializers.CharField(max_length=40)
    customer = serializers.CharField(max_length=32, write_only=True)
    subscriber = serializers.CharField(max_length=32, required=False, write_only=True)
    staff = serializers.CharField(max_length=40, required=False, write_only=True)
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(read_only=True)
    duration_seconds = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    channel = serializers.ChoiceField(choices=Channel.choices)
    direction = serializers.ChoiceField(choices=Direction.choices, default=Direction.INBOUND)
    purpose = serializers.ChoiceField(choices=Purpose.choices)
    topic = serializers.CharField(max_length=100, default="", allow_blank=True)
    result = serializers.CharField(max_length=100, default="", allow_blank=True)
    state = serializers.CharField(read_only=True)
    auth_method = serializers.ChoiceField(choices=AuthMethod.choices, default=AuthMethod.NONE)
    recording = serializers.CharField(max_length=200, default="", allow_blank=True)

    def validate_started_at(self, value: Any) -> Any:
        if value.year < 2000:
            raise serializers.ValidationError(_("No contact is that old."))
        return value

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        return shown | {name: mask_in_text(shown[name]) for name in ("topic", "result")}


class Interactions(IdempotentMixin, APIView):
    """The contacts of a customer, newest first; POST tells of one that is over."""

    def get_permissions(self) -> list[Any]:
        verb = "record_interaction" if self.request.method == "POST" else "view_customer"
        return [requires(f"customers.{verb}")()]

    @extend_schema(
        responses=InteractionSerializer(many=True),
        parameters=[
            OpenApiParameter("customer", str, required=True, description="Customer number."),
            OpenApiParameter("limit", int),
            OpenApiParameter("cursor", str),
        ],
    )
    def get(self, request: Request) -> Response:
        number = request.query_params.get("customer", "")
        if not number:
            raise ValidationError({"customer": _("Say whose contacts you want.")})
        customer = visible_customer(request, number)
        pages = _Newest()
        rows = pages.paginate_queryset(Interaction.objects.filter(customer_id=customer.pk), request)
        record_look(request, customer, part="interactions", rows=len(rows))
        return pages.get_paginated_response(InteractionSerializer(rows, many=True).data)

    @extend_schema(
        request=InteractionSerializer,
        responses={201: InteractionSerializer, 200: InteractionSerializer},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    def post(self, request: Request) -> Response:
        """Write a contact down: 201 if it is new, 200 if the same was told before."""
        told = InteractionSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        given = dict(told.validated_data)
        customer = visible_customer(request, given.pop("customer"))
        given["subscriber_id"] = _line_of(customer, given.pop("subscriber", ""))
        given["staff_id"] = _staff_named(given.pop("staff", ""))
        interaction, is_new = record_interaction(
            customer_id=customer.pk,
            record=Record(**given),
            actor=staff_of(request),
            at=timezone.now(),
        )
        return Response(InteractionSerializer(interaction).data, status=201 if is_new else 200)


class _Newest(KeysetPagination):
    ordering = ("-started_at", "-id")


class EntrySerializer(serializers.Serializer[Any]):
    """Something that happened: words for people, masked, and codes for programs in `facts`."""

    at = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field, not the attribute
    title = serializers.CharField()
    detail = serializers.CharField()
    facts = serializers.DictField()


class TimelineSerializer(serializers.Serializer[Any]):
    items = EntrySerializer(many=True)
    since = serializers.DateTimeField()
    next = serializers.CharField(allow_null=True)


class Timeline(APIView):
    """What happened to the customer, newest first; `?before=` goes on where `next` says."""

    permission_classes = [requires("customers.view_customer")]

    @extend_schema(
        responses=TimelineSerializer,
        parameters=[
            OpenApiParameter("show", str, enum=Show.values),
            OpenApiParameter("before", str),
        ],
    )
    def get(self, request: Request, number: str) -> Response:
        customer = visible_customer(request, number)
        asked, text = request.query_params.get("show", Show.ALL), request.query_params.get("before")
        if asked not in Show.values:
            raise ValidationError({"show": _("There is no such choice.")})
        try:
            before = Mark.parse(text) if text else None
        except ValueError as error:
            raise ValidationError({"before": _("This is no place in a timeline.")}) from error
        page = timeline_of(
            customer=customer,
            staff=staff_of(request),
            show=Show(asked),
            before=before,
            at=timezone.now(),
        )
        record_look(request, customer, part="timeline", rows=len(page.entries))
        answer = {
            "items": page.entries,
            "since": page.since,
            "next": str(page.older) if page.older else None,
        }
        return Response(TimelineSerializer(answer).data)


def _line_of(customer: Customer, number: str) -> int | None:
    return get_object_or_404(customer.subscribers, number=number).pk if number else None


def _staff_named(code: str) -> int | None:
    if not code:
        return None
    found = Staff.objects.filter(staff_code=code).values_list("pk", flat=True).first()
    if found is None:
        raise ValidationError({"staff": _("There is no such staff code.")})
    return found
