from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "crm.platform.events"
    label = "events"
