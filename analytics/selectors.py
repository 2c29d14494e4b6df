"""Questions about models and scores."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.utils.translation import gettext as _

from analytics.features.definition import Feature
from analytics.features.digest import digest_of
from analytics.models import ChurnModel, ModelStatus
from analytics.reasons import features_of, sentences
from crm.platform.errors import DomainError


class NoModel(DomainError):
    """There is no model for what is to be scored."""

    code = "no_model"


class ModelOutdated(DomainError):
    """The model was trained on features that are read differently today."""

    code = "model_outdated"


def model_to_score_with(*, sources: Sequence[str], version: str = "") -> ChurnModel:
    """
    Return the model named, or the active one if it covers the sources, or the latest candidate
    that does.

    :raises NoModel: if there is none.
    """
    models = ChurnModel.objects.all()
    if version:
        named = models.filter(version=version).first()
        if named is None:
            raise NoModel(_("There is no model %(version)s.") % {"version": version})
        return named
    in_use = models.exclude(status=ModelStatus.RETIRED)
    covering = [model for model in in_use if set(sources) <= set(model.sources)]
    if not covering:
        raise NoModel(_("There is no model for these customers yet. Train one first."))
    return next((m for m in covering if m.status == ModelStatus.ACTIVE), covering[0])


def trained_features(model: ChurnModel, known: Sequence[Feature]) -> list[Feature]:
    """
    Return the features of a model, in its order.

    :raises ModelOutdated: if one is gone, or read otherwise than when the model was trained.
    """
    by_code = {feature.code: feature for feature in known}
    for stored in model.features:
        feature = by_code.get(stored["code"])
        if feature is None or digest_of(feature) != stored["definition"]:
            raise ModelOutdated(
                _("Feature %(code)s has changed since model %(version)s was trained. Train anew.")
                % {"code": stored["code"], "version": model.version}
            )
    return [by_code[stored["code"]] for stored in model.features]


@dataclass(frozen=True)
class ChurnCard:
    """What the page of a customer says about one line. `service_number` is not yet masked."""

    subscriber_id: int
    subscriber_number: str
    service_number: str
    product: str
    probability: float
    decile: int
    reasons: list[str]
    model_version: str
    as_of: date

    @property
    def level(self) -> str:
        """ "high" for the riskiest tenth, "raised" for the next two, else "low"."""
        return "high" if self.decile == 1 else "raised" if self.decile <= 3 else "low"


# One lookup a live line in the newest months of scores; a line never scored has no row.
_LATEST = """
SELECT s.id, s.number, s.service_number, s.product, score.*
FROM customers_subscriber s
CROSS JOIN LATERAL (
  SELECT probability, decile, reasons, model_version, as_of
  FROM customers_churnscore
  WHERE customer_id = s.customer_id AND subscriber_id = s.id
  ORDER BY as_of DESC LIMIT 1
) score
WHERE s.customer_id = %s AND s.ended_on IS NULL
ORDER BY score.probability DESC, s.id
LIMIT %s
"""


def churn_card(customer_id: int, *, most: int = 20) -> list[ChurnCard]:
    """
    Return the latest score of each live line of a customer, the riskiest first, at most `most`.

    One query; a second one where declared characteristics are among the reasons. The caller
    answers for whom it shows them to.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, [customer_id, most])
        rows = cursor.fetchall()
    reasons = [json.loads(row[6]) for row in rows]
    features = features_of([reason["feature"] for stored in reasons for reason in stored])
    return [
        ChurnCard(
            subscriber_id=row[0],
            subscriber_number=row[1],
            service_number=row[2],
            product=row[3],
            probability=row[4],
            decile=row[5],
            reasons=sentences(stored, features),
            model_version=row[7],
            as_of=row[8],
        )
        for row, stored in zip(rows, reasons, strict=True)
    ]
