from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.utils.translation import check_for_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.i18n import set_language
from django_htmx.http import HttpResponseClientRedirect

from crm.platform.access.models import Staff
from crm.platform.jobs.models import Job
from crm.platform.ui.forms import LoginForm

CHOSE_LANGUAGE = "chose_language"
"""In the session of somebody not logged in: the language they picked on the log-in page."""


class Login(LoginView):
    """
    The log-in page.

    A language picked on this page becomes the account's; otherwise the account's becomes the
    page's. Neither leaks to the next person at a shared desk, because logging out forgets it.
    """

    authentication_form = LoginForm
    redirect_authenticated_user = True

    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.headers.get("HX-Request") == "true":
            # The session ended under an open page: send the whole page here, not a fragment.
            return HttpResponseClientRedirect(settings.LOGIN_URL)
        return super().dispatch(request, *args, **kwargs)

    def get_redirect_url(self) -> str:  # type: ignore[override]  # the stubs are of Django 6
        """Return `next` if it is a page of ours; the log-in page itself is nowhere to go."""
        url = super().get_redirect_url()
        return "" if url.startswith(settings.LOGIN_URL) else url

    def form_valid(self, form: Any) -> HttpResponse:
        staff, chosen = form.get_user(), self.request.session.get(CHOSE_LANGUAGE)
        if chosen and chosen != staff.language:
            staff.language = chosen
            staff.save(update_fields=["language"])
        response = super().form_valid(form)
        _keep_language(response, staff.language)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(demo_staff=demo_staff(), **kwargs)


def demo_staff() -> list[Staff]:
    """Return the demo accounts, on an embedded stack only: elsewhere nobody is told of them."""
    if not settings.EMBEDDED:
        return []
    people = Staff.objects.filter(is_demo=True, is_active=True, is_system=False)
    return list(people.prefetch_related("groups__role").order_by("pk"))


def locked_out(
    request: HttpRequest, _response: HttpResponse | None, _credentials: dict[str, Any] | None
) -> HttpResponse:
    """Answer an account that guessed too often: until when, and whom to ask."""
    cooloff: timedelta = settings.AXES_COOLOFF_TIME
    context = {
        "form": LoginForm(request),
        "locked_until": timezone.localtime(timezone.now() + cooloff),
        "minutes": int(cooloff.total_seconds() // 60),
    }
    response = render(request, "registration/login.html", context, status=429)
    response["Retry-After"] = str(int(cooloff.total_seconds()))
    return response


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Change the language of the page, and of the account where one is logged in."""
    response = set_language(request)
    wanted = request.POST.get("language", "")
    if wanted not in dict(settings.LANGUAGES) or not check_for_language(wanted):
        return response
    if isinstance(request.user, Staff):
        Staff.objects.filter(pk=request.user.pk).update(language=wanted)
    else:
        request.session[CHOSE_LANGUAGE] = wanted
    return response


@never_cache
@login_required
@permission_required("jobs.view_job", raise_exception=True)
def running(request: HttpRequest) -> HttpResponse:
    """Answer how many of the account's own jobs wait or run: the number in the top bar."""
    staff = cast(Staff, request.user)
    count = Job.objects.filter(created_by=staff.pk).open().count()
    return render(request, "ui/_running.html", {"count": count})


def _keep_language(response: HttpResponse, code: str) -> None:
    if code not in dict(settings.LANGUAGES):
        return
    translation.activate(code)
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        path=settings.LANGUAGE_COOKIE_PATH,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )
