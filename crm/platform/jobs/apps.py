from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from crm.platform.health.metrics import register_gauge
from crm.platform.ui.live import register_topic
from crm.platform.ui.navigation import NavEntry


class JobsConfig(AppConfig):
    name = "crm.platform.jobs"
    label = "jobs"
    role_permissions = {
        "admin": ["jobs.view_job", "jobs.view_all"],
        "dispatcher": ["jobs.view_job", "jobs.view_all"],
        "analyst": ["jobs.view_job"],
        "marketer": ["jobs.view_job"],
    }
    navigation = [
        NavEntry(
            code="jobs",
            label=_("Jobs"),
            url_name="jobs:index",
            permission="jobs.view_job",
            icon="progress",
            order=90,
        )
    ]

    def ready(self) -> None:
        from crm.platform.jobs.live import JobTopic
        from crm.platform.jobs.models import Job

        register_topic("jobs", JobTopic())
        register_gauge(
            "crm_jobs_open",
            "Jobs that wait or run.",
            read=Job.objects.count_open,
            label="status",
        )
        autodiscover_modules("jobs")
