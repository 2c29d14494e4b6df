"""Every door of the product."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("crm.platform.health.urls")),
    path("", include("crm.platform.ui.urls")),
    path("", include("crm.pages.urls")),
]
