from django.apps import AppConfig
from django.db.models.signals import post_migrate

from crm.platform.access import roles


class AccessConfig(AppConfig):
    name = "crm.platform.access"
    label = "access"

    def ready(self) -> None:
        post_migrate.connect(roles.after_migrate)
