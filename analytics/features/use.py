"""Features of how the service is used and how well it works, and of what the customer told us."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from analytics.features.definition import Feature, Unit


def _use(
    column: str, unit: Unit, *, last: Any, mean: Any, trend: Any, against_3_before: Any
) -> list[Feature]:
    """Last month, mean of 3 months, 3 months against the 3 before, last against the 3 before."""
    return [
        Feature(
            code=f"{column}_last", name=last, sql=f"usage.{column}1", unit=unit, blocks=("usage",)
        ),
        Feature(
            code=f"{column}_mean_3",
            name=mean,
            sql=f"usage.{column}_mean3",
            unit=unit,
            blocks=("usage",),
        ),
        Feature(
            code=f"{column}_trend",
            name=trend,
            sql=f"usage.{column}_mean3 / nullif(usage.{column}_before3, 0) - 1",
            unit=Unit.CHANGE,
            blocks=("usage",),
        ),
        Feature(
            code=f"{column}_against_3_before",
            name=against_3_before,
            sql=f"usage.{column}1 / nullif(usage.{column}_3before1, 0) - 1",
            unit=Unit.CHANGE,
            blocks=("usage",),
        ),
    ]


USE = (
    *_use(
        "voice",
        Unit.MINUTES,
        last=_("Calls made, last month"),
        mean=_("Calls made, mean of 3 months"),
        trend=_("Calls made, 3 months against the 3 before"),
        against_3_before=_("Calls made, last month against the three before"),
    ),
    *_use(
        "data",
        Unit.GIGABYTES,
        last=_("Data, last month"),
        mean=_("Data, mean of 3 months"),
        trend=_("Data, 3 months against the 3 before"),
        against_3_before=_("Data, last month against the three before"),
    ),
    *_use(
        "sms",
        Unit.TIMES,
        last=_("Messages, last month"),
        mean=_("Messages, mean of 3 months"),
        trend=_("Messages, 3 months against the 3 before"),
        against_3_before=_("Messages, last month against the three before"),
    ),
    Feature(
        code="calls_in_mean_3",
        name=_("Calls received, mean of 3 months"),
        sql="usage.calls_in_mean3",
        unit=Unit.MINUTES,
        blocks=("usage",),
    ),
    Feature(
        code="roaming_mean_6",
        name=_("Roaming data, mean of 6 months"),
        sql="usage.roaming_mean6",
        unit=Unit.GIGABYTES,
        blocks=("usage",),
    ),
    Feature(
        code="dropped_last",
        name=_("Dropped calls, last month"),
        sql="usage.dropped1",
        unit=Unit.TIMES,
        blocks=("usage",),
    ),
    Feature(
        code="dropped_mean_3",
        name=_("Dropped calls, mean of 3 months"),
        sql="usage.dropped_mean3",
        unit=Unit.TIMES,
        blocks=("usage",),
    ),
)


def _contact(code: str, name: Any, sql: str) -> Feature:
    return Feature(
        code=code, name=name, sql=f"coalesce({sql}, 0)", unit=Unit.TIMES, blocks=("contacts",)
    )


CONTACT = (
    _contact("complaints_30", _("Complaints in 30 days"), "contacts.complaints30"),
    _contact("complaints_90", _("Complaints in 90 days"), "contacts.complaints90"),
    _contact("faults_30", _("Faults reported in 30 days"), "contacts.faults30"),
    _contact("faults_90", _("Faults reported in 90 days"), "contacts.faults90"),
    _contact("contacts_30", _("Contacts in 30 days"), "contacts.all30"),
    _contact("contacts_90", _("Contacts in 90 days"), "contacts.all90"),
    Feature(
        code="days_since_complaint",
        name=_("Since the last complaint"),
        sql="%(as_of)s::date - contacts.complained_on",
        unit=Unit.DAYS,
        blocks=("contacts",),
        raising=_("Complained {value} ago"),
        lowering=_("Complained {value} ago"),
    ),
)
