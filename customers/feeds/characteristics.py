"""Declaring the extra columns that files bring."""

from collections.abc import Iterable

from crm.platform.feeds.definition import Characteristic, FileFacts
from customers.models import CharacteristicSpec


def declared_types(characteristics: Iterable[Characteristic]) -> dict[str, str]:
    """Return the declared type of each of these, by "entity.code"; undeclared ones are absent."""
    codes = {c.code for c in characteristics}
    specs = CharacteristicSpec.objects.filter(code__in=codes)
    return {
        f"{entity.lower()}.{code}": value_type
        for entity, code, value_type in specs.values_list("entity", "code", "value_type")
    }


def declare(facts: FileFacts) -> None:
    """Declare what the file brings and nobody declared before. Declarations that exist stay."""
    CharacteristicSpec.objects.bulk_create(
        [
            CharacteristicSpec(
                entity=c.entity.upper(),
                code=c.code,
                value_type=c.value_type,
                name=c.name or c.column,
                name_zh=c.name_zh,
                meaning=c.meaning,
                source=facts.source,
            )
            for c in facts.characteristics
        ],
        ignore_conflicts=True,
    )
