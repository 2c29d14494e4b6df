"""The Celery application. Tasks are found in the `tasks` module of every installed app."""

import os

from celery import Celery

QUEUES = ("interactive", "bulk")  # what somebody waits for; what takes long

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

app = Celery("crm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
