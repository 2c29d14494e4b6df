"""`/api/v1/duplicates` and `/api/v1/merges`."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.platform.api.idempotency import IdempotentMixin
from crm.platform.api.permissions import requires
from customers.api.doors import record_look, staff_of
from customers.merging.candidates import reject_candidate
from customers.merging.fields import BY_NAME
from customers.merging.merge import merge_customers
from customers.merging.undo import undo_merge
from customers.models import CandidateStatus, Customer, CustomerMerge, DuplicateCandidate

_KEY = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)


class CandidateSerializer(serializers.ModelSerializer[DuplicateCandidate]):
    """Two customers that may be one, what they share and how much that counts."""

    left = serializers.SlugRelatedField[Any](slug_field="number", read_only=True)
    right = serializers.SlugRelatedField[Any](slug_field="number", read_only=True)

    class Meta:
        model = DuplicateCandidate
        fields = [
            "id", "left", "right", "score", "evidence", "status", "found_at", "decided_at",
            "reason",
        ]  # fmt: skip


class MergeSerializer(serializers.ModelSerializer[CustomerMerge]):
    """A merge; `moved` counts the rows by kind."""

    survivor = serializers.SlugRelatedField[Any](slug_field="number", read_only=True)
    absorbed = serializers.SlugRelatedField[Any](slug_field="number", read_only=True)

    class Meta:
        model = CustomerMerge
        fields = [
            "id", "survivor", "absorbed", "merged_at", "reason", "moved", "undone_at",
        ]  # fmt: skip


class WantedMergeSerializer(serializers.Serializer[Any]):
    """`take` names the fields in which the absorbed record is right."""

    survivor = serializers.CharField(max_length=32)
    absorbed = serializers.CharField(max_length=32)
    take = serializers.ListField(
        child=serializers.ChoiceField(choices=list(BY_NAME)), required=False, default=list
    )
    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True)


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300)


class Candidates(ListAPIView[DuplicateCandidate]):
    """The pairs within reach, the likeliest first; `?status=` OPEN unless said."""

    serializer_class = CandidateSerializer
    permission_classes = [requires("customers.review_duplicates")]
    ordering = ("-score", "-id")
    queryset = DuplicateCandidate.objects.none()

    def get_queryset(self) -> QuerySet[DuplicateCandidate]:
        status = self.request.query_params.get("status", CandidateStatus.OPEN)
        if status not in CandidateStatus.values:
            said = _("One of %(known)s.") % {"known": ", ".join(CandidateStatus.values)}
            raise serializers.ValidationError({"status": said})
        pairs = DuplicateCandidate.objects.visible_to(staff_of(self.request))
        return pairs.filter(status=status).select_related("left", "right")

    @extend_schema(parameters=[OpenApiParameter("status", str, enum=CandidateStatus.values)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class Candidate(RetrieveAPIView[DuplicateCandidate]):
    serializer_class = CandidateSerializer
    permission_classes = [requires("customers.review_duplicates")]
    queryset = DuplicateCandidate.objects.none()

    def get_queryset(self) -> QuerySet[DuplicateCandidate]:
        pairs = DuplicateCandidate.objects.visible_to(staff_of(self.request))
        return pairs.select_related("left", "right")


class Rejection(IdempotentMixin, APIView):
    """Say that a pair are two customers."""

    permission_classes = [requires("customers.merge_customer")]

    @extend_schema(request=ReasonSerializer, responses=CandidateSerializer, parameters=[_KEY])
    def post(self, request: Request, pk: int) -> Response:
        pairs = DuplicateCandidate.objects.visible_to(staff_of(request))
        found = get_object_or_404(pairs, pk=pk)
        given = ReasonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        done = reject_candidate(
            candidate_id=found.pk,
            actor=staff_of(request),
            at=timezone.now(),
            reason=given.validated_data["reason"],
        )
        return Response(CandidateSerializer(done).data)


class Merges(IdempotentMixin, ListAPIView[CustomerMerge]):
    """The merges within reach, newest first; POST merges two customers."""

    serializer_class = MergeSerializer
    ordering = ("-id",)
    queryset = CustomerMerge.objects.none()

    def get_permissions(self) -> list[Any]:
        verb = "merge_customer" if self.request.method == "POST" else "review_duplicates"
        return [requires(f"customers.{verb}")()]

    def get_queryset(self) -> QuerySet[CustomerMerge]:
        merges = CustomerMerge.objects.visible_to(staff_of(self.request))
        return merges.select_related("survivor", "absorbed")

    @extend_schema(
        request=WantedMergeSerializer, responses={201: MergeSerializer}, parameters=[_KEY]
    )
    def post(self, request: Request) -> Response:
        """Merge two customers, named by their numbers. A stranger's is as if it did not exist."""
        wanted = WantedMergeSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        survivor, absorbed = (_within(request, given[side]) for side in ("survivor", "absorbed"))
        made = merge_customers(
            survivor_id=survivor.pk,
            absorbed_id=absorbed.pk,
            take=given["take"],
            actor=staff_of(request),
            at=timezone.now(),
            reason=given["reason"],
        )
        for customer in (survivor, absorbed):
            record_look(request, customer, part="merge", rows=1)
        return Response(MergeSerializer(made).data, status=201)


class Undo(IdempotentMixin, APIView):
    """Make two customers again of a merge."""

    permission_classes = [requires("customers.merge_customer")]

    @extend_schema(request=None, responses=MergeSerializer, parameters=[_KEY])
    def post(self, request: Request, pk: int) -> Response:
        found = get_object_or_404(CustomerMerge.objects.visible_to(staff_of(request)), pk=pk)
        undone = undo_merge(merge_id=found.pk, actor=staff_of(request), at=timezone.now())
        return Response(MergeSerializer(undone).data)


def _within(request: Request, number: str) -> Customer:
    found = Customer.objects.within_reach(staff_of(request)).filter(number=number).first()
    if found is None:
        raise NotFound
    return found
