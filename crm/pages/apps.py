from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from crm.platform.ui.navigation import NavEntry


class PagesConfig(AppConfig):
    name = "crm.pages"
    label = "pages"
    navigation = [NavEntry("desk", _("Desk"), "pages:home", "", "home", 0, key="d")]
