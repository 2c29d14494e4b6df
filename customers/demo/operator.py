"""
Making the demo operator: once per database, all of it or nothing that stays.

The marker row (`DemoOperator`) is written first and made READY last; each chunk of customers is
one transaction. A run that was cut off leaves the marker BUILDING and nobody holding the lock:
the next run removes its customers and begins again.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.platform.access.models import OrgUnit
from crm.platform.errors import DomainError
from crm.platform.events.outbox import publish
from crm.platform.records import ensure_months
from customers.demo.crew import Made, make_all
from customers.demo.doubles import come_twice
from customers.demo.geography import make_units
from customers.demo.identifiers import PEOPLE_AT_MOST
from customers.demo.lock import builder
from customers.demo.models import DemoOperator, DemoState
from customers.demo.people import Where
from customers.demo.removal import remove
from customers.demo.reservation import reserve
from customers.demo.staff import CLERKS_HALL, make_billing_client, make_staff
from customers.demo.structure import Chunk, Specification, chunks
from customers.demo.timeline import Timeline
from customers.demo.truth import LABEL_MONTHS, area_under_curve
from customers.events import DEMO_MADE
from customers.models import CharacteristicEntity, CharacteristicSpec, CharacteristicType

MONTHS_AT_LEAST, MONTHS_AT_MOST = 3, 36
_BY_MONTH = (
    "customers_monthlyusage",
    "customers_bill",
    "customers_payment",
    "customers_interaction",
)
_ANALYSED = (
    *_BY_MONTH,
    "access_orgunit",  # so small that nothing else ever analyses it, and every scope joins it
    "customers_party", "customers_customer", "customers_partyidentification",
    "customers_contactmedium", "customers_searchkey", "customers_billingaccount",
    "customers_subscriber", "customers_payrelation", "customers_servicestop",
    "customers_subscriberstatusperiod", "customers_consent", "customers_contactpreference",
)  # fmt: skip


class DemoRefused(DomainError):
    code = "demo_operator_refused"


@dataclass(frozen=True)
class Request:
    """What to make: so many customers, the months before `until`, everything drawn from `seed`."""

    customers: int
    months: int
    seed: int
    until: date

    def check(self) -> None:
        """:raises DemoRefused: if that cannot be made, with the reason."""
        if not 0 <= self.customers <= PEOPLE_AT_MOST:
            raise DemoRefused(
                _("The demo operator has 0 to %(most)d customers.") % {"most": PEOPLE_AT_MOST}
            )
        if not MONTHS_AT_LEAST <= self.months <= MONTHS_AT_MOST:
            raise DemoRefused(
                _("The demo operator has %(least)d to %(most)d months of history.")
                % {"least": MONTHS_AT_LEAST, "most": MONTHS_AT_MOST}
            )
        if self.seed < 0:
            raise DemoRefused(_("The seed is a whole number from 0."))
        if self.until.day != 1:
            raise DemoRefused(_("The data end with a whole month: give the first of a month."))


def build(
    request: Request, *, at: datetime, workers: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """
    Make the demo operator, or with 0 customers only its units and staff; return the facts.

    :raises DemoRefused: if the request cannot be met, or there is one already.
    :raises DemoBusy: if another process is making one.
    """
    request.check()
    began = time.monotonic()
    with builder():
        with transaction.atomic():
            units = make_units()
            staff = make_staff(units)
            make_billing_client(units)
        if request.customers == 0:
            return _facts(request, [], time.monotonic() - began)
        _make_room(say)
        specification = Specification(
            request.customers, request.seed, Timeline(request.until, request.months)
        )
        plan = chunks(specification)
        where = _announce(request, plan, units, staff, at)
        _make_months(specification.timeline)
        _declare_characteristics()
        made = []
        for part in make_all(plan, where, workers=workers):
            made.append(part)
            done = sum(one.customers for one in made)
            say(f"{done:,} of {request.customers:,} customers")
        come_twice(hall=where.staff_hall)
        say("analysing the tables")
        _analyse()
        facts = _facts(request, made, time.monotonic() - began)
        with transaction.atomic():
            now = timezone.now()
            DemoOperator.objects.update(state=DemoState.READY, ready_at=now, facts=facts)
            publish(DEMO_MADE, at=now, customers=request.customers)
        return facts


def _make_room(say: Callable[[str], None]) -> None:
    operator = DemoOperator.objects.first()
    if operator is None:
        return
    if operator.state == DemoState.READY:
        raise DemoRefused(_("This database has a demo operator already."))
    say("removing what an interrupted run has left")
    remove(operator)


def _announce(
    request: Request,
    plan: list[Chunk],
    units: dict[str, OrgUnit],
    staff: dict[str, int],
    at: datetime,
) -> Where:
    """Reserve the ids and write the marker, together."""
    with transaction.atomic():
        bases = reserve(plan)
        DemoOperator.objects.create(
            seed=request.seed,
            months=request.months,
            until=request.until,
            first_customer_id=bases.customer,
            last_customer_id=bases.customer + request.customers - 1,
            begun_at=at,
        )
    ids = {code: unit.pk for code, unit in units.items()}
    return Where(bases, ids, staff, ids[CLERKS_HALL])


def _make_months(timeline: Timeline) -> None:
    """Make the partitions of the history and of the month that is just beginning."""
    first = timeline.starts[0].astype(date)
    for table in _BY_MONTH:
        ensure_months(table, first=first, last=timeline.until)


def _declare_characteristics() -> None:
    CharacteristicSpec.objects.get_or_create(
        entity=CharacteristicEntity.CUSTOMER,
        code="household",
        defaults={
            "value_type": CharacteristicType.TEXT,
            "name": "Household",
            "name_zh": "家庭",
            "meaning": "Customers at one address carry the same code.",
            "source": "demo",
            "is_model_feature": False,
        },
    )


def _analyse() -> None:
    with connection.cursor() as cursor:
        for table in _ANALYSED:
            cursor.execute(f'ANALYZE "{table}"')


def _facts(request: Request, made: list[Made], seconds: float) -> dict[str, Any]:
    rows = sum((one.rows for one in made), Counter())
    facts: dict[str, Any] = {
        "customers": rows["customers_customer"],
        "subscribers": rows["customers_subscriber"],
        "usage_rows": rows["customers_monthlyusage"],
        "bills": rows["customers_bill"],
        "payments": rows["customers_payment"],
        "interactions": rows["customers_interaction"],
        "complaints": sum(one.complaints for one in made),
        "churned": sum(one.ended for one in made),
        "rows": rows.total(),
        "seconds": round(seconds, 1),
        "seed": request.seed,
        "months": request.months,
        "until": request.until.isoformat(),
    }
    return facts | _truth(made)


def _truth(made: list[Made]) -> dict[str, Any]:
    """
    What is true of the last label windows: the last month (`best_auc`, `label_rate`), and the
    last two months seen from the day before both.
    """
    windows = [_window(made, months) for months in range(1, LABEL_MONTHS + 1) if made]
    last = windows[0] if windows else {}
    return {
        "best_auc": last.get("best_auc"),
        "label_rate": last.get("label_rate"),
        "label_windows": windows,
    }


def _window(made: list[Made], months: int) -> dict[str, Any]:
    chance = np.concatenate([one.windows[months].chance for one in made])
    left = np.concatenate([one.windows[months].left for one in made])
    best = area_under_curve(chance, left)
    return {
        "months": months,
        "rows": len(left),
        "label_rate": round(float(left.mean()), 5) if len(left) else None,
        "best_auc": None if best is None else round(best, 4),
    }
