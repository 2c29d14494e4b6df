"""How a job is watched."""

from uuid import UUID

from django.template.loader import render_to_string

from crm.platform.access.models import Staff
from crm.platform.jobs.models import Job
from crm.platform.jobs.running import channel_of
from crm.platform.ui.live import Look


class JobTopic:
    """`/live/jobs/<id>`: the state of one job, for those who may see it."""

    def channel(self, key: str) -> str:
        return channel_of(key)

    def look(self, staff: Staff, key: str) -> Look | None:
        try:
            job = Job.objects.visible_to(staff).filter(pk=UUID(key)).first()
        except ValueError:
            return None
        if job is None:
            return None
        html = render_to_string("jobs/_state.html", {"job": job})
        return Look(html, finished=job.is_finished)
