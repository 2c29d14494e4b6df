from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate, pre_migrate


class HistoryConfig(AppConfig):
    name = "crm.platform.history"
    label = "history"

    def ready(self) -> None:
        pre_migrate.connect(_before)
        post_migrate.connect(_after)


def _before(*, plan: list[Any], **_signal: Any) -> None:
    from crm.platform.history.keeping import drop_views

    if plan:
        drop_views()


def _after(*, app_config: AppConfig, **_signal: Any) -> None:
    """Wait for the last app: only then is every table there."""
    from crm.platform.history.keeping import keep_history

    if app_config is [c for c in apps.get_app_configs() if c.models_module][-1]:
        keep_history()
