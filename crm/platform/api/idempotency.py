"""
POST requests that may be sent twice and count once (draft-ietf-httpapi-idempotency-key-header).

The claim is committed first, on its own, so that a twin of the request finds it. The effect
and the answer then commit together: there is no moment at which one is kept without the
other, so a crash leaves either an answer to repeat or nothing at all.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from crm.platform.access.models import Staff
from crm.platform.api.exceptions import KeyReused, StillRunning
from crm.platform.api.models import IdempotencyKey

TRY_AGAIN_SECONDS = 2
KEPT_HEADERS = ("Location", "ETag")
_KEY = re.compile(r'"[!#-~ ]{1,255}"|[!#-~]{1,255}')


class IdempotentMixin:
    """
    For an APIView or ViewSet: honour `Idempotency-Key` on POST.

    The same key and body answers the same for a day, with `Idempotency-Replayed: true`; while
    the first request runs, 409 with Retry-After; another body, 422. Answers that ask for
    another try (409, 429, 5xx) are not kept. The whole POST runs in one transaction. Bodies
    are compared as parsed: JSON, form fields and files.
    """

    idempotency_required = False
    post: Callable[..., HttpResponseBase]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """
        :raises ValidationError: for a malformed key, or none where one is required.
        """
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if request.method != "POST" or not isinstance(request.user, Staff):
            return
        key = _key_of(request)
        if key:
            self.post = partial(self._answer_once, request.user, key, self.post)
        elif self.idempotency_required:
            raise ValidationError({"Idempotency-Key": _("This request needs one.")})

    def _answer_once(
        self,
        staff: Staff,
        key: str,
        handler: Callable[..., Any],
        request: Request,
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponseBase:
        row = claim(
            staff=staff,
            route=request.path[:200],
            key=key,
            fingerprint=fingerprint_of(request),
            at=timezone.now(),
        )
        if row.status is not None:
            return _replay(row)
        kept = False
        try:
            with transaction.atomic():
                response = handler(request, *args, **kwargs)
                kept = _may_be_kept(response.status_code)
                if kept:
                    self._keep(row, request, response)
        except Exception as exc:
            kept = False
            response = self.handle_exception(exc)  # type: ignore[attr-defined]
        if not kept and _may_be_kept(response.status_code):
            self._keep(row, request, response)
        elif not kept:
            IdempotencyKey.objects.filter(pk=row.pk, token=row.token).delete()
        return response

    def _keep(self, row: IdempotencyKey, request: Request, response: Response) -> None:
        """
        :raises StillRunning: if the claim was taken over meanwhile; undoes the caller's work.
        """
        renderer = request.accepted_renderer
        context = self.get_renderer_context()  # type: ignore[attr-defined]
        body = renderer.render(response.data, request.accepted_media_type, context)
        headers = {name: response[name] for name in KEPT_HEADERS if response.has_header(name)}
        headers["Content-Type"] = renderer.media_type
        ours = IdempotencyKey.objects.filter(pk=row.pk, token=row.token, status=None)
        if not ours.update(status=response.status_code, body=body or b"", headers=headers):
            raise StillRunning(TRY_AGAIN_SECONDS)


def claim(*, staff: Staff, route: str, key: str, fingerprint: str, at: datetime) -> IdempotencyKey:
    """
    Return the row of this key: ours to run (no status yet), or with the answer to repeat.

    A claim whose request died can be taken over after `HARD_LIMIT`, an answer after a day.

    :raises KeyReused: if the key came with another request before.
    :raises StillRunning: if the first request with it is under way.
    """
    token = uuid4()
    fresh = {
        "fingerprint": fingerprint,
        "token": token,
        "claimed_at": at,
        "expires_at": at + IdempotencyKey.KEPT,
    }
    mine = IdempotencyKey(staff=staff, route=route, key=key, **fresh)
    IdempotencyKey.objects.bulk_create([mine], ignore_conflicts=True)
    row = IdempotencyKey.objects.filter(staff=staff, route=route, key=key).first()
    if row is None:  # let go in this very moment
        raise StillRunning(TRY_AGAIN_SECONDS)
    if row.token == token:
        return row
    abandoned = (
        row.status is None
        and row.fingerprint == fingerprint
        and row.claimed_at <= at - IdempotencyKey.HARD_LIMIT
    )
    if abandoned or row.expires_at <= at:
        seen = IdempotencyKey.objects.filter(pk=row.pk, token=row.token, status=row.status)
        if seen.update(**fresh, status=None, body=b"", headers={}):
            return IdempotencyKey.objects.get(pk=row.pk)
        raise StillRunning(TRY_AGAIN_SECONDS)
    if row.fingerprint != fingerprint:
        raise KeyReused(_("This key came with another request before."))
    if row.status is None:
        raise StillRunning(TRY_AGAIN_SECONDS)
    return row


def fingerprint_of(request: Request) -> str:
    """Return what tells two bodies apart, whatever the order of their fields."""
    digest = hashlib.sha256(request.get_full_path().encode())
    fields = request.data
    if hasattr(fields, "lists"):
        fields = {name: values for name, values in fields.lists() if name not in request.FILES}
    digest.update(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS))
    for name in sorted(request.FILES):
        for upload in request.FILES.getlist(name):
            digest.update(f"\n{name} {upload.size}\n".encode())
            for chunk in upload.chunks():
                digest.update(chunk)
            upload.seek(0)
    return digest.hexdigest()


def _key_of(request: Request) -> str:
    given = request.headers.get("Idempotency-Key", "").strip()
    if given and not _KEY.fullmatch(given):
        said = _("At most 255 printable characters, as a quoted string.")
        raise ValidationError({"Idempotency-Key": said})
    return given.strip('"')


def _may_be_kept(status: int) -> bool:
    return status < 500 and status not in (409, 429)


def _replay(row: IdempotencyKey) -> HttpResponse:
    response = HttpResponse(bytes(row.body), status=row.status, headers=row.headers)
    response["Idempotency-Replayed"] = "true"
    return response
