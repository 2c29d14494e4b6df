from django.apps import AppConfig

from crm.platform.health import broker
from crm.platform.health.metrics import register_gauge


class HealthConfig(AppConfig):
    name = "crm.platform.health"
    label = "health"

    def ready(self) -> None:
        waiting = "Messages that wait in a queue."
        register_gauge("crm_queue_waiting", waiting, read=broker.waiting, label="queue")
