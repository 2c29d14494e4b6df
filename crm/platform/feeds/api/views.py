"""`/api/v1/feeds/<feed>/batches`: systems send files and ask what became of them."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from crm.platform.access.models import Staff
from crm.platform.api.codec import JsonRenderer
from crm.platform.api.exceptions import LengthRequired, TooLarge
from crm.platform.api.idempotency import IdempotentMixin
from crm.platform.api.permissions import requires
from crm.platform.audit.models import AccessAction
from crm.platform.audit.services import record_access
from crm.platform.feeds import intake
from crm.platform.feeds.api.codec import CsvParser, CsvRenderer, GzipParser
from crm.platform.feeds.api.serializers import (
    BatchDetailSerializer,
    BatchSerializer,
    DeliverySerializer,
    RejectSerializer,
)
from crm.platform.feeds.definition import FeedRefused, feed_named
from crm.platform.feeds.exports import may_export, rejects_response
from crm.platform.feeds.models import Batch, Reject
from crm.platform.feeds.rejects import Describer
from crm.platform.feeds.selectors import batches_visible_to, columns_read
from crm.platform.feeds.uploads import (
    FeedUpload,
    FeedUploadHandler,
    announces_too_much,
    too_large,
)

_OPTIONS = [
    OpenApiParameter("mapping", str, description="For a body that is the file itself."),
    OpenApiParameter("dry_run", bool, description="For a body that is the file itself."),
    OpenApiParameter("error_percent", int, description="For a body that is the file itself."),
    OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER),
]


class Batches(IdempotentMixin, ListAPIView[Batch]):
    """The files of one feed, newest first; POST sends one."""

    serializer_class = BatchSerializer
    parser_classes = [MultiPartParser, CsvParser, GzipParser]
    queryset = Batch.objects.none()

    def get_permissions(self) -> list[Any]:
        verb = "add" if self.request.method == "POST" else "view"
        return [requires(f"feeds.{verb}_batch")()]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Before anybody looks at the form: a session's CSRF check does.
        request.upload_handlers = [FeedUploadHandler(request)]
        self.uploads: list[FeedUpload] = []
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            for upload in self.uploads:
                upload.close()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """
        :raises LengthRequired: where no length is announced: such a body looks like none.
        :raises TooLarge: by the announced length alone, before a byte of the body is read.
        :raises NotFound: for a feed that is not known.
        """
        if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
            raise LengthRequired(_("Say how long the body is: send a Content-Length."))
        if announces_too_much(request._request):
            raise TooLarge(too_large())
        super().initial(request, *args, **kwargs)

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        _known(self.kwargs["feed"])

    def get_queryset(self) -> QuerySet[Batch]:
        batches = batches_visible_to(_staff(self.request))
        return batches.filter(feed=self.kwargs["feed"]).select_related("duplicate_of", "corrects")

    @extend_schema(
        request={
            "multipart/form-data": DeliverySerializer,
            "text/csv": OpenApiTypes.BINARY,
            "application/gzip": OpenApiTypes.BINARY,
        },
        parameters=_OPTIONS,
        responses={
            202: BatchDetailSerializer,
            413: OpenApiResponse(description="The file is larger than the limit."),
        },
    )
    def post(self, request: Request, feed: str) -> Response:
        """Send a file. The answer comes when the file is on disk; a job then runs it."""
        delivery = DeliverySerializer(data=_delivered(request))
        delivery.is_valid(raise_exception=True)
        given, staff, now = delivery.validated_data, _staff(request), timezone.now()
        name, text = delivery.chosen_mapping()
        batch = intake.take_in(
            feed=feed,
            upload=given["file"],
            actor=staff,
            at=now,
            error_percent=given.get("error_percent"),
            mapping_name=name,
            mapping_text=text,
        )
        batch = intake.start_run(batch_id=batch.pk, dry_run=given["dry_run"], actor=staff, at=now)
        where = reverse("feeds:api-batch", args=[feed, batch.number])
        body = BatchDetailSerializer(batch).data
        return Response(body, status=202, headers={"Location": where})


class BatchDetail(RetrieveAPIView[Batch]):
    """One batch: its status, its counts, and how far it is."""

    permission_classes = [requires("feeds.view_batch")]
    serializer_class = BatchDetailSerializer
    queryset = Batch.objects.none()

    def get_object(self) -> Batch:
        return _visible(self.request, self.kwargs["feed"], self.kwargs["number"])


class Rejects(ListAPIView[Reject]):
    """The rejected rows in the order of the file; `?format=csv` as a file to correct."""

    permission_classes = [requires("feeds.view_batch")]
    renderer_classes = [JsonRenderer, CsvRenderer]
    serializer_class = RejectSerializer
    ordering = ("row_number", "id")
    queryset = Reject.objects.none()
    batch: Batch

    @extend_schema(
        parameters=[OpenApiParameter("format", str, enum=["json", "csv"])],
    )
    def get(  # type: ignore[override]  # a file is not a Response
        self, request: Request, feed: str, number: str
    ) -> HttpResponseBase:
        self.batch = _visible(request, feed, number)
        staff = _staff(request)
        if request.accepted_renderer.format == "csv":
            if not may_export(staff, self.batch):
                raise PermissionDenied
            return rejects_response(request=request, staff=staff, batch=self.batch)
        response = self.list(request)
        record_access(
            request=request,
            actor=staff,
            action=AccessAction.SYSTEM if staff.is_system else AccessAction.VIEW,
            object_type="feeds.reject",
            object_id=number,
            row_count=len(response.data["items"]),
            at=timezone.now(),
        )
        return response

    def get_queryset(self) -> QuerySet[Reject]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Reject.objects.filter(batch=self.batch)

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        if hasattr(self, "batch"):
            context |= {"describe": Describer(self.batch), "columns": columns_read(self.batch)}
        return context

    def handle_exception(self, exc: Exception) -> Response:
        self.request.accepted_renderer = JsonRenderer()
        self.request.accepted_media_type = JsonRenderer.media_type
        return super().handle_exception(exc)


def _delivered(request: Request) -> dict[str, Any]:
    """Return the form's fields, or the query's where the body is the file itself."""
    assert isinstance(request.data, Mapping)  # no parser here makes a list
    fields = request.data if request.data.keys() - {"file"} else request.query_params
    files = [file for _name, sent in request.FILES.lists() for file in sent]
    if len(files) > 1:
        raise ValidationError({"file": _("Send one file at a time; none was taken.")})
    names = ("mapping", "dry_run", "error_percent")
    delivered = {name: fields[name] for name in names if name in fields}
    if "file" in request.FILES:
        delivered["file"] = request.FILES["file"]
    return delivered


def _visible(request: Request, feed: str, number: str) -> Batch:
    _known(feed)
    batches = batches_visible_to(_staff(request)).select_related("duplicate_of", "corrects")
    return get_object_or_404(batches, feed=feed, number=number)


def _known(feed: str) -> None:
    try:
        feed_named(feed)
    except FeedRefused as refusal:
        raise NotFound(str(refusal), code=refusal.code) from refusal


def _staff(request: Request) -> Staff:
    assert isinstance(request.user, Staff)
    return request.user
