from django.apps import AppConfig

from crm.platform.health.metrics import register_gauge


class EventsConfig(AppConfig):
    name = "crm.platform.events"
    label = "events"

    def ready(self) -> None:
        from crm.platform.events.models import Delivery

        owed = "Events owed to a handler: waiting for it, or given up after ten attempts."
        register_gauge("crm_outbox", owed, read=Delivery.objects.count_owed, label="state")
        late = "Seconds that the delivery longest due has waited."
        register_gauge("crm_outbox_late_seconds", late, read=Delivery.objects.seconds_late)
