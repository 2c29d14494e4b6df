"""
The plan of one file: which of its columns become which columns of the feed, and the function
that turns its records into lines of COPY.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.utils.translation import gettext as _

from crm.platform.feeds.characteristics import CharacteristicCells, characteristics_of
from crm.platform.feeds.columns import Column, Kind
from crm.platform.feeds.conversion import Make, maker
from crm.platform.feeds.definition import (
    Characteristic,
    Feed,
    FeedRefused,
    FileFacts,
    Staged,
)
from crm.platform.feeds.mapping import FeedMapping, Rule
from crm.platform.feeds.reading import RecordReader
from crm.platform.feeds.survey import Survey, delimiter_of, header_of

# Kinds that the database makes of what the file says, set-based: of which expression.
_MADE = {
    Kind.MONTH: "make_date(left({0}, 4)::int, substr({0}, 6, 2)::int, 1)",
    Kind.ITEMS: "CASE WHEN left({0}, 1) = '{{' THEN {0}::jsonb"
    """ ELSE ('{{"' || replace(replace({0}, '=', '":'), ';', ',"') || '}}')::jsonb END""",
}
REJECT_COLUMNS = ("_row", "_column", "_reason")


@dataclass
class Plan:
    """What is done with each record of one file."""

    feed: Feed
    mapping: FeedMapping
    survey: Survey
    header: list[str]
    delimiter: str
    quote: str
    rules: dict[str, Rule]
    ignored: list[str]
    characteristics: tuple[Characteristic, ...] = ()
    facts: FileFacts = field(init=False)

    @property
    def positions(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.header)}

    @property
    def targets(self) -> list[Column]:
        """The feed's columns that the file states, in the order in which they are staged."""
        stated = self.rules.keys() | self.mapping.constants.keys()
        columns = [column for column in self.feed.columns if column.name in stated]
        if all(rule.is_a_plain_column for rule in self.rules.values()):
            positions = self.positions  # in the file's own order a row need not be shuffled
            columns.sort(
                key=lambda c: positions[self.rules[c.name].column] if c.name in self.rules else -1
            )
        return columns

    @property
    def is_a_rejects_file(self) -> bool:
        """Whether these are rows that were rejected once, corrected and sent again."""
        return set(REJECT_COLUMNS) <= set(self.header)

    def reader(self) -> RecordReader:
        return RecordReader(self.survey, delimiter=self.delimiter, quote=self.quote)

    def column_of(self, target: str) -> str:
        """Return the file's column that a target is made of, for people to find the cell."""
        rule = self.rules.get(target)
        return next(rule.columns(), target) if rule else target

    def staged(self) -> list[Staged]:
        """Every column of the staging table after the row number."""
        columns = [staged for column in self.feed.columns for staged in _staged_column(column)]
        entities = [Staged(f"{entity}_characteristics", "jsonb") for entity in self.feed.entities]
        return [*columns, *entities, *self.feed.derived]

    def filled(self) -> list[str]:
        """The columns of a line of COPY, in order."""
        entities = [f"{entity}_characteristics" for entity in self._entities()]
        targets = [f"{c.name}_said" if c.kind in _MADE else c.name for c in self.targets]
        return targets + entities + [s.name for s in self.feed.derived]

    def makers(self) -> list[tuple[int, Make]]:
        """The targets that are not simply a column of the file, by position among the targets."""
        positions = self.positions
        key = self.rules.get(self.feed.key)
        key_at = positions.get(key.column) if key else None
        made: list[tuple[int, Make]] = []
        for index, column in enumerate(self.targets):
            rule = self.rules.get(column.name)
            if rule is None:
                value = self.mapping.constants[column.name]
                made.append((index, partial(_constant, value)))
            elif not rule.is_a_plain_column:
                made.append((index, maker(rule, column, self.mapping, positions, key_at)))
        return made

    def picks(self) -> list[int]:
        """For each target the position of the column it starts from (0 where it is made)."""
        positions = self.positions
        rules = (self.rules.get(column.name) for column in self.targets)
        return [positions[r.column] if r and r.is_a_plain_column else 0 for r in rules]

    def characteristic_cells(self) -> list[CharacteristicCells]:
        return [
            CharacteristicCells(
                [c for c in self.characteristics if c.entity == entity], self.positions
            )
            for entity in self._entities()
        ]

    def derive(self) -> Callable[[list[str]], list[str]] | None:
        positions = {column.name: index for index, column in enumerate(self.targets)}
        return self.feed.derive(self.facts, positions)

    def _entities(self) -> list[str]:
        present = {characteristic.entity for characteristic in self.characteristics}
        return [entity for entity in self.feed.entities if entity in present]


def _staged_column(column: Column) -> list[Staged]:
    """What the database reads itself is staged as the file spells it, beside what that means."""
    if column.kind not in _MADE:
        return [Staged(column.name, column.staged_as)]
    said = f"{column.name}_said"
    made = f"{column.staged_as} GENERATED ALWAYS AS ({_MADE[column.kind].format(said)}) STORED"
    return [Staged(said, "text"), Staged(column.name, made)]


def _constant(value: str, _record: list[str]) -> str:
    return value


def plan(*, feed: Feed, mapping: FeedMapping, survey: Survey, at: datetime) -> Plan:
    """
    Decide what becomes of each column of a surveyed file.

    :raises FeedRefused: if columns are missing, doubled or contradict their declaration.
    """
    delimiter = mapping.delimiter or delimiter_of(survey.first_line)
    quote = mapping.quote if mapping.quote is not None else _usual_quote(delimiter)
    header = header_of(survey.first_line, delimiter=delimiter, quote=quote)
    name = survey.path.name
    rules = dict(mapping.rules) or _by_own_names(feed, header, mapping)
    _refuse_missing(name, header, [c for rule in rules.values() for c in rule.columns()])
    _refuse_missing(name, header, [c.column for c in mapping.characteristics])
    stated = rules.keys() | mapping.constants.keys()
    _refuse_missing(
        name, stated, [column.name for column in feed.columns if column.required], own=True
    )
    for group in feed.one_of:
        if not stated & set(group):
            raise FeedRefused(
                _("%(file)s has none of the columns %(names)s; one of them is needed.")
                % {"file": name, "names": ", ".join(group)}
            )
    taken = {c for rule in rules.values() for c in rule.columns()}
    taken |= {c.column for c in mapping.characteristics} | set(REJECT_COLUMNS)
    over = [column for column in header if column not in taken and column not in mapping.exclude]
    found = Plan(feed, mapping, survey, header, delimiter, quote, rules, over)
    found.characteristics = characteristics_of(found)
    if mapping.rest != "ignore":
        found.ignored = []
    found.facts = FileFacts(
        source=mapping.source,
        as_of=mapping.as_of,
        stated=frozenset(stated),
        key=feed.key,
        characteristics=found.characteristics,
        arrived_at=at,
    )
    return found


def _usual_quote(delimiter: str) -> str:
    """Interfaces that cut with | or a tab take quotation marks as they stand."""
    return '"' if delimiter in ",;" else ""


def _by_own_names(feed: Feed, header: Iterable[str], mapping: FeedMapping) -> dict[str, Rule]:
    """Take the columns that bear the feed's own names, in any case, or an alias."""
    present = {name.casefold(): name for name in header}
    rules = {}
    for column in feed.columns:
        names = (present.get(name) for name in (column.name, *column.aliases))
        found = next(filter(None, names), None)
        if found and column.name not in mapping.constants:
            rules[column.name] = Rule(column=found)
    return rules


def _refuse_missing(
    file: str, present: Iterable[str], needed: Iterable[str], *, own: bool = False
) -> None:
    present = set(present)
    missing = list(dict.fromkeys(name for name in needed if name not in present))
    if not missing:
        return
    sentence = (
        _("%(file)s lacks the columns %(names)s. Name them so, or give a mapping that says "
          "where they come from.")
        if own
        else _("%(file)s lacks the columns %(names)s that the mapping reads.")
    )  # fmt: skip
    raise FeedRefused(sentence % {"file": file, "names": ", ".join(missing)}, code="column_missing")
