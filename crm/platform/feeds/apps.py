from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from crm.platform.ui.navigation import NavEntry

_SEE = ["feeds.view_batch"]
_TAKE_IN = [*_SEE, "feeds.add_batch"]


class FeedsConfig(AppConfig):
    name = "crm.platform.feeds"
    label = "feeds"
    role_permissions = {
        "dispatcher": [*_TAKE_IN, "feeds.undo_batch", "feeds.export_reject"],
        "analyst": _TAKE_IN,
        "admin": [*_TAKE_IN, "feeds.undo_batch"],
        "auditor": _SEE,
        "manager": _SEE,
    }
    oauth_scopes = {
        "feeds:read": _("Read what became of the files sent"),
        "feeds:write": _("Send files of customers, usage, bills and the like"),
    }
    navigation = [
        NavEntry(
            code="feeds",
            label=_("Data intake"),
            url_name="feeds:index",
            permission="feeds.view_batch",
            icon="file-import",
            order=70,
        )
    ]
