"""`/api/v1/customers/<number>/consents` and `…/preferences`."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.platform.api.idempotency import IdempotentMixin
from crm.platform.api.paging import KeysetPagination
from crm.platform.api.permissions import requires
from customers.api.doors import record_look, staff_of, visible_customer
from customers.models import (
    WEEK,
    Consent,
    ConsentPurpose,
    ConsentSource,
    ConsentState,
    ContactChannel,
    ContactPreference,
)
from customers.selectors import consent_history, holdings_of, preferences_of
from customers.services import Proof, Wishes, give_consent, set_preferences, withdraw_consent

_WISHED = [*vars(Wishes())]


class HoldingSerializer(serializers.Serializer[Any]):
    """What holds for a purpose in a channel; GIVEN is the only state that allows anything."""

    purpose = serializers.ChoiceField(choices=ConsentPurpose.choices)
    channel = serializers.CharField()
    state = serializers.ChoiceField(choices=["GIVEN", "WITHDRAWN", "EXPIRED", "NEVER"])
    decided_at = serializers.DateTimeField(source="decision.decided_at", default=None)
    expires_at = serializers.DateTimeField(source="decision.expires_at", default=None)


class ConsentSerializer(serializers.ModelSerializer[Consent]):
    """One decision as it was recorded."""

    staff = serializers.SlugRelatedField[Any](slug_field="staff_code", read_only=True)

    class Meta:
        model = Consent
        fields = [
            "id", "purpose", "channel", "state", "text_version", "decided_at", "expires_at",
            "recorded_at", "source", "evidence", "interaction_id", "staff",
        ]  # fmt: skip


class LedgerSerializer(serializers.Serializer[Any]):
    current = HoldingSerializer(many=True)
    items = ConsentSerializer(many=True)
    next = serializers.URLField(allow_null=True)


class DecisionSerializer(serializers.Serializer[Any]):
    """
    What the customer decided. A consent to offers or surveys names its channels; a withdrawal
    without channels is for all of them.
    """

    purpose = serializers.ChoiceField(choices=ConsentPurpose.choices)
    state = serializers.ChoiceField(choices=ConsentState.choices)
    channels = serializers.ListField(
        child=serializers.ChoiceField(choices=ContactChannel.choices),
        required=False,
        default=list,
        max_length=len(ContactChannel),
    )
    source = serializers.ChoiceField(  # type: ignore[assignment]  # a field, not the attribute
        choices=ConsentSource.choices, default=ConsentSource.SYSTEM
    )
    evidence = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    text_version = serializers.CharField(
        max_length=40, required=False, default="", allow_blank=True
    )
    decided_at = serializers.DateTimeField(required=False, default=None, allow_null=True)
    expires_at = serializers.DateTimeField(required=False, default=None, allow_null=True)
    interaction_id = serializers.UUIDField(required=False, default=None, allow_null=True)

    def validate_channels(self, channels: list[str]) -> list[str]:
        return list(dict.fromkeys(channels))


class Consents(IdempotentMixin, APIView):
    """What the customer allows now, and every decision, newest first; POST records one."""

    def get_permissions(self) -> list[Any]:
        verb = "add" if self.request.method == "POST" else "view"
        return [requires(f"customers.{verb}_consent")()]

    @extend_schema(
        responses=LedgerSerializer,
        parameters=[OpenApiParameter("limit", int), OpenApiParameter("cursor", str)],
    )
    def get(self, request: Request, number: str) -> Response:
        customer = visible_customer(request, number)
        pages = KeysetPagination()
        rows = pages.paginate_queryset(consent_history(customer=customer), request)
        answer = pages.get_paginated_response(ConsentSerializer(rows, many=True).data)
        holdings = holdings_of(customer=customer, at=timezone.now())
        record_look(request, customer, part="consents", rows=len(rows))
        return Response({"current": HoldingSerializer(holdings, many=True).data, **answer.data})

    @extend_schema(
        request=DecisionSerializer,
        responses={201: ConsentSerializer(many=True), 200: ConsentSerializer(many=True)},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    def post(self, request: Request, number: str) -> Response:
        """Record a decision; answers the rows written, none (200) where all was written already."""
        customer = visible_customer(request, number)
        decision = DecisionSerializer(data=request.data)
        decision.is_valid(raise_exception=True)
        given = decision.validated_data
        names = ("source", "evidence", "decided_at", "interaction_id")
        wanted: dict[str, Any] = {
            "customer_id": customer.pk,
            "purpose": given["purpose"],
            "channels": given["channels"],
            "proof": Proof(**{name: given[name] for name in names}),
            "actor": staff_of(request),
            "at": timezone.now(),
        }
        if given["state"] == ConsentState.GIVEN:
            wanted |= {"text_version": given["text_version"], "expires_at": given["expires_at"]}
            rows = give_consent(**wanted)
        else:
            rows = withdraw_consent(**wanted)
        status = 201 if rows else 200
        return Response(ConsentSerializer(rows, many=True).data, status=status)


class PreferencesSerializer(serializers.ModelSerializer[ContactPreference]):
    """
    What the customer wishes, whole. PUT with the `version` that was read is refused (409) if
    somebody changed them since; without one it replaces whatever there is.
    """

    version = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0)
    window_days = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=7), default=lambda: [*WEEK]
    )

    class Meta:
        model = ContactPreference
        fields = ["version", *_WISHED, "set_at"]
        read_only_fields = ["set_at"]


class Preferences(APIView):
    """How the customer wants to be contacted."""

    def get_permissions(self) -> list[Any]:
        verb = "add" if self.request.method == "PUT" else "view"
        return [requires(f"customers.{verb}_contactpreference")()]

    @extend_schema(responses=PreferencesSerializer)
    def get(self, request: Request, number: str) -> Response:
        customer = visible_customer(request, number)
        held = preferences_of(customer=customer, at=timezone.now())
        record_look(request, customer, part="preferences", rows=1 if held else 0)
        return Response(_shown(held))

    @extend_schema(request=PreferencesSerializer, responses=PreferencesSerializer)
    def put(self, request: Request, number: str) -> Response:
        customer = visible_customer(request, number)
        wished = PreferencesSerializer(data=request.data)
        wished.is_valid(raise_exception=True)
        given = wished.validated_data
        held = set_preferences(
            customer_id=customer.pk,
            wishes=Wishes(**{name: given[name] for name in _WISHED if name in given}),
            seen=given["version"],
            actor=staff_of(request),
            at=timezone.now(),
        )
        return Response(_shown(held))


def _shown(held: ContactPreference | None) -> dict[str, Any]:
    if held is None:
        return {"version": 0, **vars(Wishes()), "set_at": None}
    held.version = held.pk  # type: ignore[attr-defined]
    return dict(PreferencesSerializer(held).data)
