"""`/api/v1/customers/<number>/completeness` and `…/corrections`."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.platform.api.idempotency import IdempotentMixin
from crm.platform.api.permissions import requires
from customers.api.doors import record_look, staff_of, visible_customer
from customers.care.completeness import completeness_of
from customers.care.correction import RightDocument, correct_party
from customers.models import IdentificationKind, PartyCorrection


class FieldSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    weight = serializers.IntegerField()
    is_filled = serializers.BooleanField()


class CompletenessSerializer(serializers.Serializer[Any]):
    """100 × the weight of the mandatory fields that are filled by the weight of all of them."""

    percent = serializers.IntegerField()
    fields_ = FieldSerializer(many=True, source="fields")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        shown["fields"] = shown.pop("fields_")
        return shown


class DocumentSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=IdentificationKind.choices)
    number = serializers.CharField(max_length=40)
    replaces = serializers.IntegerField(required=False, allow_null=True, default=None)
    issuer = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    valid_to = serializers.DateField(required=False, allow_null=True, default=None)


class WantedCorrectionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    document = DocumentSerializer(required=False, allow_null=True, default=None)
    evidence = serializers.CharField(max_length=200)
    reason = serializers.CharField(max_length=300)


class CorrectionSerializer(serializers.ModelSerializer[PartyCorrection]):
    class Meta:
        model = PartyCorrection
        fields = ["id", "fields", "evidence", "reason", "corrected_at"]


class CompletenessView(APIView):
    permission_classes = [requires("customers.view_customer")]

    @extend_schema(responses=CompletenessSerializer)
    def get(self, request: Request, number: str) -> Response:
        customer = visible_customer(request, number)
        score = completeness_of([customer.pk], today=timezone.localdate())[customer.pk]
        record_look(request, customer, part="completeness", rows=1)
        return Response(CompletenessSerializer(score).data)


class Corrections(IdempotentMixin, APIView):
    """The only way to another name or document number, with what proves it."""

    permission_classes = [requires("customers.correct_party")]

    @extend_schema(
        request=WantedCorrectionSerializer,
        responses={201: CorrectionSerializer},
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    def post(self, request: Request, number: str) -> Response:
        customer = visible_customer(request, number)
        wanted = WantedCorrectionSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = dict(wanted.validated_data)
        document = given.pop("document")
        made = correct_party(
            customer_id=customer.pk,
            actor=staff_of(request),
            at=timezone.now(),
            document=RightDocument(**document) if document else None,
            **given,
        )
        record_look(request, customer, part="correction", rows=1)
        return Response(CorrectionSerializer(made).data, status=201)
