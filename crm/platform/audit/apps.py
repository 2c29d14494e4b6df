from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from crm.platform.ui.navigation import NavEntry

_OWN_PEOPLE = ["audit.view_look"]
_EVERYBODY = [*_OWN_PEOPLE, "audit.view_every_look", "audit.export_look"]


class AuditConfig(AppConfig):
    name = "crm.platform.audit"
    label = "audit"
    role_permissions = {
        "auditor": ["audit.view_accessrecord", *_EVERYBODY],
        "manager": _EVERYBODY,
        "hallmanager": _OWN_PEOPLE,
        "teamlead": _OWN_PEOPLE,
    }
    navigation = [
        NavEntry(
            code="audit",
            label=_("Access records"),
            url_name="audit:index",
            permission="audit.view_accessrecord",
            icon="eye-search",
            order=80,
        )
    ]

    def ready(self) -> None:
        from crm.platform import partitions
        from crm.platform.audit import logins

        post_migrate.connect(partitions.after_migrate)
        user_logged_in.connect(logins.record_login)
        user_login_failed.connect(logins.record_failed_login)
