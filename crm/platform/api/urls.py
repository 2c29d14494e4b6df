from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from oauth2_provider.views import RevokeTokenView

from crm.platform.api import views

app_name = "api"
urlpatterns = [
    path("oauth/token/", views.Token.as_view(), name="token"),
    path("oauth/revoke_token/", RevokeTokenView.as_view(), name="revoke-token"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", views.Docs.as_view(url_name="api:schema"), name="docs"),
]
