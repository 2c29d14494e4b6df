from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from crm.platform.ui.navigation import NavEntry


class PagesConfig(AppConfig):
    name = "crm.pages"
    label = "pages"
    navigation = [NavEntry("desk", _("Desk"), "pages:home", "", "home", 0, key="d")]

    def ready(self) -> None:
        # Its topic reads models, which are not there before this moment.
        import_module("crm.pages.live")
