"""
Reactions across apps: a lower app publishes, higher apps subscribe, PostgreSQL remembers.

    publish("customers.customer.blacklisted", at=at, actor=actor, customer_id=customer.pk)

    @on("customers.customer.blacklisted")     # in the higher app's handlers.py
    def close_open_offers(event): ...
"""

import json
from datetime import datetime
from typing import Any

from django.db import connection

from crm.platform.access.masking import FieldClass
from crm.platform.access.models import Staff
from crm.platform.doorbell import ring_on_commit
from crm.platform.events.handlers import keys_for, on
from crm.platform.events.models import Delivery, Event
from crm.platform.events.tasks import deliver
from crm.platform.partitions import ensure_month

__all__ = ["on", "publish"]

PERSONAL = {*FieldClass, "msisdn", "mobile", "password"}


def publish(name: str, *, at: datetime, actor: Staff | None = None, **data: Any) -> Event:
    """
    Record that something happened, in the caller's transaction, and owe it to its handlers.

    `name` is dotted, past tense and for ever ("orders.order.completed"); `data` is ids and
    facts as JSON knows them, since it outlives every erasure.

    :raises RuntimeError: outside a transaction.
    :raises ValueError: for data named like a person's own ("phone", "id_number", …).
    :raises TypeError: for data that JSON does not know.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"publish({name!r}) must run inside the transaction it describes")
    if personal := PERSONAL & data.keys():
        raise ValueError(f"publish({name!r}) may not carry {', '.join(sorted(personal))}")
    json.dumps(data, allow_nan=False)

    ensure_month(Event._meta.db_table, at)
    event = Event.objects.create(name=name, occurred_at=at, actor=actor, data=data)
    owed = [
        Delivery(event_id=event.id, occurred_at=at, event_name=name, handler=key)
        for key in keys_for(name)
    ]
    for delivery in Delivery.objects.bulk_create(owed) if owed else ():
        ring_on_commit(deliver, delivery_id=delivery.pk)
    return event
