"""Every door of the product."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("crm.platform.health.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
