"""Questions about models and scores."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from analytics.features.definition import Feature
from analytics.features.digest import digest_of
from analytics.models import ChurnModel, ModelStatus
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
