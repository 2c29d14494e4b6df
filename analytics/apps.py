from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from crm.platform.ui.navigation import NavEntry

_READ = ["analytics.view_churnmodel", "analytics.view_metric"]
_WORK = [*_READ, "analytics.train_churnmodel"]


class AnalyticsConfig(AppConfig):
    name = "analytics"
    role_permissions = {
        "analyst": _WORK,
        "manager": [*_WORK, "analytics.activate_churnmodel"],
        "admin": [*_READ, "analytics.activate_churnmodel"],
        "marketer": _READ,
        "teamlead": ["analytics.view_metric"],
        "hallmanager": ["analytics.view_metric"],
        "auditor": _READ,
    }
    navigation = [
        NavEntry(
            "dashboards",
            _("Dashboards"),
            "analytics:dashboards",
            "analytics.view_metric",
            "chart-bar",
            50,
        ),
        NavEntry(
            "models",
            _("Models"),
            "analytics:models",
            "analytics.view_churnmodel",
            "chart-dots",
            55,
        ),
    ]

    def ready(self) -> None:
        import_module("analytics.handlers")
