from django.apps import AppConfig

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
