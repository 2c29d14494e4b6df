from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApiConfig(AppConfig):
    name = "crm.platform.api"
    label = "api"
    oauth_scopes = {"api:read": _("Read the description of the interfaces")}

    def ready(self) -> None:
        from crm.platform.api import schema  # noqa: F401
