"""Every door of the product."""

from django.urls import URLPattern, URLResolver, include, path

from customers.api.interactions import Interactions

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("crm.platform.health.urls")),
    path("", include("crm.platform.api.urls")),
    path("", include("crm.platform.audit.urls")),
    path("", include("crm.platform.jobs.urls")),
    path("", include("crm.platform.ui.urls")),
    path("", include("crm.platform.feeds.urls")),
    path("", include("customers.merging.urls")),
    path("", include("customers.care.urls")),
    path("", include("customers.urls")),
    path("", include("analytics.urls")),
    path("api/v1/interactions", Interactions.as_view(), name="interactions"),
    path("api/v1/customers/", include("customers.api.urls")),
    path("", include("crm.pages.urls")),
]

handler400 = "crm.platform.api.views.bad_request"
handler403 = "crm.platform.api.views.permission_denied"
handler404 = "crm.platform.api.views.page_not_found"
handler500 = "crm.platform.api.views.server_error"
