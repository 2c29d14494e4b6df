from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "crm.platform.health"
    label = "health"
