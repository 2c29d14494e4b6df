"""Why a model says what it says, in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.features.definition import Feature, Kind, Unit
from analytics.features.registry import BY_CODE, of_characteristic
from crm.platform.ui import figures
from customers.models import CharacteristicSpec

RAISES, LOWERS = "raises", "lowers"


def features_of(codes: Sequence[str]) -> dict[str, Feature]:
    """Return the features of these codes; one query if declared characteristics are among them."""
    found = {code: BY_CODE[code] for code in codes if code in BY_CODE}
    declared = {code.partition(".")[2] for code in codes if "." in code}
    if declared:
        for spec in CharacteristicSpec.objects.filter(code__in=declared):
            feature = of_characteristic(spec)
            found[feature.code] = feature
    return found


def sentence(feature: Feature | str, value: Any, direction: str = RAISES) -> str:
    """
    Say in the reader's language what the value of a feature is, as a reason for leaving
    (`direction` "raises") or staying ("lowers").

    A feature that is no longer known is called by its code. None means not known.
    """
    if isinstance(feature, str):
        feature = BY_CODE.get(feature) or Feature(code=feature, name=feature, sql="")
    said = written(feature, value)
    template = feature.lowering if direction == LOWERS else feature.raising
    if value is None or not template:
        return _("%(name)s: %(value)s") % {"name": feature.name, "value": said}
    if feature.code == "contract_months_left" and value <= 0:
        return _("Contract ran out %(value)s ago") % {"value": written(feature, -value)}
    return str(template).format(value=said)


def written(feature: Feature, value: Any) -> str:
    """The value with its unit, as the reader writes it."""
    if value is None:
        return _("not known")
    if feature.is_category or isinstance(value, str):
        return str(feature.labels.get(value, value))
    if feature.kind == Kind.FLAG:
        return _("yes") if value else _("no")
    return _in_unit(float(value), feature.unit)


def _in_unit(value: float, unit: Unit) -> str:
    match unit:
        case Unit.FEN:
            return figures.money(round(value))
        case Unit.CHANGE:
            share = _percent(abs(value))
            return (
                _("up %(share)s") % {"share": share}
                if value >= 0
                else (_("down %(share)s") % {"share": share})
            )
        case Unit.MONTHS:
            months = round(value)
            return ngettext("%(n)s month", "%(n)s months", abs(months)) % {"n": months}
        case Unit.DAYS:
            days = round(value)
            return ngettext("%(n)s day", "%(n)s days", abs(days)) % {"n": days}
        case Unit.MINUTES:
            return _("%(n)s min") % {"n": number_format(round(value), use_l10n=True)}
        case Unit.GIGABYTES:
            return _("%(n)s GB") % {"n": figures.quantity(round(value, 1))}
        case _:
            return figures.quantity(round(value, 2))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def sentences(reasons: Sequence[Mapping[str, Any]], features: Mapping[str, Feature]) -> list[str]:
    """The sentences of a score's stored reasons, the strongest first."""
    return [
        sentence(
            features.get(reason["feature"], reason["feature"]),
            reason["value"],
            RAISES if reason["contribution"] >= 0 else LOWERS,
        )
        for reason in reasons
    ]
