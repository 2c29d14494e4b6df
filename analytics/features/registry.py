"""
Every feature of the churn model, once: the SQL, the model page and the reasons read this list.

What operators report as predictive: tenure, contract, spend, payment, use, quality, contacts
and holdings. Queries for a porting authorisation are left out on purpose: the number
portability rules forbid acting on them. A declared characteristic is a feature without code.
"""

from django.utils.translation import get_language

from analytics.features.contract import CONTRACT
from analytics.features.definition import Feature, Kind, Unit
from analytics.features.money import MONEY
from analytics.features.use import CONTACT, USE
from customers.models import CharacteristicEntity, CharacteristicSpec, CharacteristicType

BUILT_IN: tuple[Feature, ...] = (*CONTRACT, *MONEY, *USE, *CONTACT)
BY_CODE = {feature.code: feature for feature in BUILT_IN}

_PREFIX = {
    CharacteristicEntity.CUSTOMER: "customer",
    CharacteristicEntity.SUBSCRIBER: "subscriber",
    CharacteristicEntity.ACCOUNT: "account",
}
# A characteristic is read only where its record says which day it describes, and that day is
# not after the as-of date. Subscribers and accounts come with their customer's date.
_KNOWN = "c.characteristics_as_of <= %(as_of)s::date"
_COLUMN = {
    CharacteristicEntity.CUSTOMER: "c.characteristics",
    CharacteristicEntity.SUBSCRIBER: "s.characteristics",
    CharacteristicEntity.ACCOUNT: "a.characteristics",
}


def _value(spec: CharacteristicSpec) -> str:
    """SQL for one characteristic of its declared type; what is not of the type is unknown."""
    key = spec.code.replace("'", "''").replace("%", "%%")
    text = f"({_COLUMN[CharacteristicEntity(spec.entity)]} ->> '{key}')"
    match spec.value_type:
        case CharacteristicType.INTEGER | CharacteristicType.DECIMAL:
            return f"CASE WHEN pg_input_is_valid({text}, 'float4') THEN {text}::float4 END"
        case CharacteristicType.BOOLEAN:
            return f"CASE WHEN pg_input_is_valid({text}, 'boolean') THEN {text}::boolean::int END"
        case CharacteristicType.DATE:
            return (
                f"CASE WHEN pg_input_is_valid({text}, 'date')"
                f" THEN (%(as_of)s::date - {text}::date) / 30.4375 END"
            )
        case _:
            return f"nullif({text}, '')"


def of_characteristic(spec: CharacteristicSpec) -> Feature:
    """Return the feature that a declared characteristic is, named in the reader's language."""
    chinese = (get_language() or "").startswith("zh")
    kinds = {CharacteristicType.TEXT: Kind.CATEGORY, CharacteristicType.BOOLEAN: Kind.FLAG}
    return Feature(
        code=f"{_PREFIX[CharacteristicEntity(spec.entity)]}.{spec.code}",
        name=(spec.name_zh if chinese else "") or spec.name,
        kind=kinds.get(CharacteristicType(spec.value_type), Kind.NUMBER),
        sql=f"CASE WHEN {_KNOWN} THEN {_value(spec)} END",
        unit=Unit.MONTHS if spec.value_type == CharacteristicType.DATE else Unit.NONE,
        blocks=("account",) if spec.entity == CharacteristicEntity.ACCOUNT else (),
    )


def all_features() -> list[Feature]:
    """Every feature there is today: the built-in ones, then the declared characteristics."""
    specs = CharacteristicSpec.objects.filter(is_model_feature=True).order_by("entity", "code")
    return [*BUILT_IN, *map(of_characteristic, specs)]
