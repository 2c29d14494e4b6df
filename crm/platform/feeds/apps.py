from django.apps import AppConfig

_SEE = ["feeds.view_batch"]
_TAKE_IN = [*_SEE, "feeds.add_batch", "feeds.undo_batch"]


class FeedsConfig(AppConfig):
    name = "crm.platform.feeds"
    label = "feeds"
    role_permissions = {
        "dispatcher": [*_TAKE_IN, "feeds.export_reject"],
        "analyst": _TAKE_IN,
        "admin": _TAKE_IN,
        "auditor": _SEE,
        "manager": _SEE,
    }
