"""What training wrote down as codes and English sentences, in the reader's language."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext, gettext_noop

from analytics.features.registry import BUILT_IN, of_characteristic
from analytics.models import ChurnModel
from customers.models import CharacteristicSpec

_LATEST = 20
_WRITTEN = (
    gettext_noop("xgboost depth-2 trees, calibrated"),
    gettext_noop(
        "every row once, 5 folds stratified by outcome; a subscriber's rows and rows that look"
        " alike stay together"
    ),
    gettext_noop(
        "a random fifth of the subscribers, stratified by outcome; rows that look alike stay"
        " together"
    ),
    gettext_noop("covers fewer sources than the active model"),
    gettext_noop("worse than the active model"),
)
"""What `analytics.churn` writes into `metrics`, listed so that the catalogues know it."""


def written(sentence: str) -> str:
    """Return a sentence of `metrics` in the reader's language; an unknown one as it is."""
    return gettext(sentence) if sentence else ""


def feature_names() -> dict[str, str]:
    """
    Return the names of all features by code, those of characteristics as they were declared.

    Also of those that are a feature no longer: an older model may still have learned them.
    """
    declared = map(of_characteristic, CharacteristicSpec.objects.all())
    return {feature.code: str(feature.name) for feature in (*BUILT_IN, *declared)}


def suspects(names: Mapping[str, str]) -> dict[str, str]:
    """Return the names of what the leak alarm kept out of the latest models, by code."""
    latest = ChurnModel.objects.values_list("leaks", flat=True)[:_LATEST]
    codes = {leak["code"] for leaks in latest for leak in leaks}
    return {code: names.get(code, code) for code in sorted(codes)}


def named(codes: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """Return features by their names; one whose declaration is gone by its code."""
    return [names.get(code, code) for code in codes]


def leaks_of(model: ChurnModel, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the features that the leak alarm rang for, the worst first."""
    found = sorted(model.leaks, key=lambda leak: -leak["auc"])
    return [leak | {"name": names.get(leak["code"], leak["code"])} for leak in found]
