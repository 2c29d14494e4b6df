from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class JobsConfig(AppConfig):
    name = "crm.platform.jobs"
    label = "jobs"
    role_permissions = {"admin": ["jobs.view_all"], "dispatcher": ["jobs.view_all"]}

    def ready(self) -> None:
        autodiscover_modules("jobs")
