"""Reading a mapping's TOML. Every fault is a sentence that names the line and the key."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NoReturn

from django.utils.translation import gettext as _

from crm.platform.feeds.definition import Characteristic, Feed, FeedRefused, feed_named
from crm.platform.feeds.mapping import UNITS, VALUE_TYPES, FeedMapping, Rule

_TOP = {
    "feed", "source", "as_of", "late_months", "rest", "exclude",
    "file", "columns", "constants", "characteristics",
}  # fmt: skip
_FILE = {"delimiter", "encoding", "decimal", "quote"}
_RULE = {
    "column", "map", "default", "unit", "format",
    "months_before_as_of", "days_after_as_of_within", "when", "choose", "value",
}  # fmt: skip
_CHARACTERISTIC = {"column", "type", "entity", "name", "name_zh", "meaning", "map"}
_ASCII = bytes(range(128)).replace(b"\\", b"") + rb"\x41\u0041+AEE-~~"
_CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")


def read_mapping(text: str, *, feed: str = "") -> FeedMapping:
    """
    Return the mapping that a TOML text describes.

    :raises FeedRefused: with the line and the key at fault.
    """
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise FeedRefused(
            _("The mapping is no TOML: its lists are nested too deeply."), code="mapping_invalid"
        ) from None
    except ValueError as error:  # among others a number of thousands of digits
        raise FeedRefused(
            _("The mapping is no TOML: %(why)s.") % {"why": error}, code="mapping_invalid"
        ) from error
    return _Reader(text, data).mapping(feed)


class _Reader:
    """Turns the parsed TOML into a mapping; every fault names its key and line."""

    def __init__(self, text: str, data: dict[str, Any]) -> None:
        self._text, self._data = text, data

    def mapping(self, wanted: str) -> FeedMapping:
        data = self._data
        self._only(data, _TOP, "")
        feed = feed_named(self._string(data, "feed", "") or wanted)
        if wanted and feed.code != wanted:
            self._fault("feed", _("the mapping is for %(feed)s.") % {"feed": feed.code})
        as_of = data.get("as_of")
        if as_of is not None and type(as_of) is not date:
            self._fault("as_of", _("must be a date without quotes, like 2026-09-30."))
        rules = self._rules(feed)
        mapping = FeedMapping(
            feed=feed.code,
            source=self._source(data),
            as_of=as_of,
            late_months=self._late_months(data),
            rest=self._rest(data, feed),
            exclude=frozenset(self._words(data.get("exclude", []), "exclude")),
            rules=rules,
            constants=self._constants(feed, rules),
            characteristics=tuple(self._characteristics(feed)),
            text=self._text,
            **self._file(),
        )
        self._check_dates(mapping)
        self._check_leaks(mapping)
        return mapping

    def _source(self, data: dict[str, Any]) -> str:
        source = self._string(data, "source", "") or "feed"
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", source):
            self._fault("source", _("must be lower-case letters, digits and _, up to 40."))
        return source

    def _late_months(self, data: dict[str, Any]) -> int | None:
        months = data.get("late_months")
        if months is not None and (type(months) is not int or not 0 <= months <= 1200):
            self._fault("late_months", _("must be a whole number from 0 to 1200."))
        return months

    def _rest(self, data: dict[str, Any], feed: Feed) -> str:
        rest = self._string(data, "rest", "") or "ignore"
        allowed = ("ignore", *feed.entities)
        if rest not in allowed:
            self._fault("rest", _("must be one of %(all)s.") % {"all": ", ".join(allowed)})
        return rest

    def _file(self) -> dict[str, Any]:
        section = self._section("file")
        self._only(section, _FILE, "file")
        options = {key: self._string(section, key, f"file.{key}") for key in section}
        if len(options.get("delimiter", ",")) != 1 or options.get("delimiter") in ('"', "\n", "\r"):
            self._fault("file.delimiter", _("must be one character."))
        if len(options.get("quote", "")) > 1:
            self._fault("file.quote", _("must be one character, or empty for none."))
        if options.get("decimal", ".") not in (".", ","):
            self._fault("file.decimal", _("must be a point or a comma."))
        if not _reads_any_file(options.get("encoding", "utf-8")):
            self._fault("file.encoding", _("is no encoding of files; try utf-8 or gb18030."))
        return options

    def _rules(self, feed: Feed) -> dict[str, Rule]:
        rules = {}
        for target, said in self._section("columns").items():
            key = f"columns.{target}"
            self._known_target(feed, target, key)
            rules[target] = Rule(column=said) if isinstance(said, str) else self._rule(said, key)
        return rules

    def _rule(self, said: Any, key: str) -> Rule:
        if not isinstance(said, dict):
            self._fault(key, _("must be a column name in quotes or a table in braces."))
        self._only(said, _RULE, key)
        unit = self._string(said, "unit", key)
        if unit and unit not in UNITS:
            self._fault(key, _("unit must be one of %(all)s.") % {"all": ", ".join(UNITS)})
        days = said.get("days_after_as_of_within", 0)
        if type(days) is not int or not 0 <= days <= 3660:
            self._fault(key, _("days_after_as_of_within must be a whole number of days."))
        choices = said.get("choose", [])
        if not isinstance(choices, list):
            self._fault(key, _("choose must be a list of tables."))
        rule = Rule(
            column=self._string(said, "column", key),
            values=self._values(said, key),
            default=self._plain(said["default"], key) if "default" in said else None,
            unit=unit,
            date_format=self._string(said, "format", key),
            months_before=self._string(said, "months_before_as_of", key),
            days_within=days,
            when=self._when(said, key),
            choose=tuple(self._rule(choice, key) for choice in choices),
            value=self._plain(said["value"], key) if "value" in said else None,
        )
        if not (rule.column or rule.months_before or days or choices or rule.value is not None):
            self._fault(key, _("says no column to read and no value to set."))
        return rule

    def _values(self, said: dict[str, Any], key: str) -> dict[str, str]:
        values = said.get("map", {})
        if not isinstance(values, dict):
            self._fault(key, _("map must be a table of cell = value."))
        return {cell: self._plain(value, key) for cell, value in values.items()}

    def _when(self, said: dict[str, Any], key: str) -> dict[str, tuple[str, ...]]:
        when = said.get("when", {})
        if not isinstance(when, dict):
            self._fault(key, _("when must be a table of column = value."))
        return {
            column: tuple(self._plain(one, key) for one in _listed(value))
            for column, value in when.items()
        }

    def _constants(self, feed: Feed, rules: Mapping[str, Rule]) -> dict[str, str]:
        constants = {}
        for target, value in self._section("constants").items():
            key = f"constants.{target}"
            self._known_target(feed, target, key)
            if target in rules:
                self._fault(key, _("is given in [columns] too."))
            constants[target] = self._plain(value, key)
        return constants

    def _characteristics(self, feed: Feed) -> Iterator[Characteristic]:
        for code, said in self._section("characteristics").items():
            key = f"characteristics.{code}"
            if not feed.entities:
                self._fault(key, _("%(feed)s has no characteristics.") % {"feed": feed.code})
            if not _CODE.fullmatch(code):
                self._fault(key, _("must be lower-case letters, digits and _, up to 60."))
            said = {"column": said} if isinstance(said, str) else said
            if not isinstance(said, dict):
                self._fault(key, _("must be a column name in quotes or a table in braces."))
            self._only(said, _CHARACTERISTIC, key)
            yield self._characteristic(feed, code, said, key)

    def _characteristic(
        self, feed: Feed, code: str, said: dict[str, Any], key: str
    ) -> Characteristic:
        entity = self._string(said, "entity", key) or feed.entities[0]
        value_type = self._string(said, "type", key).upper()
        if entity not in feed.entities:
            self._fault(
                key, _("entity must be one of %(all)s.") % {"all": ", ".join(feed.entities)}
            )
        if value_type and value_type not in VALUE_TYPES:
            self._fault(key, _("type must be one of %(all)s.") % {"all": ", ".join(VALUE_TYPES)})
        return Characteristic(
            entity=entity,
            code=code,
            column=self._string(said, "column", key) or code,
            value_type=value_type,
            name=self._string(said, "name", key),
            name_zh=self._string(said, "name_zh", key),
            meaning=self._string(said, "meaning", key),
            values=self._values(said, key),
        )

    def _check_dates(self, mapping: FeedMapping) -> None:
        for target, rule in mapping.rules.items():
            if (rule.months_before or rule.days_within) and mapping.as_of is None:
                self._fault(f"columns.{target}", _("counts from as_of, which is not given."))
        if mapping.as_of is None and (mapping.characteristics or mapping.rest != "ignore"):
            key = "characteristics" if mapping.characteristics else "rest"
            self._fault(key, _("describe a day: say which as as_of."))

    def _check_leaks(self, mapping: FeedMapping) -> None:
        """What tells the end of a service may not describe the customer: it is the answer."""
        ended = mapping.rules.get("ended_on")
        outcome = set(ended.columns()) if ended else set()
        for characteristic in mapping.characteristics:
            if characteristic.column in outcome:
                self._fault(
                    f"characteristics.{characteristic.code}",
                    _("“%(column)s” decides ended_on; as a characteristic it would give a model "
                      "the answer.") % {"column": characteristic.column},
                )  # fmt: skip

    def _known_target(self, feed: Feed, target: str, key: str) -> None:
        if target not in feed.by_name:
            self._fault(
                key,
                _("%(feed)s has no such column; it has %(all)s.")
                % {"feed": feed.code, "all": ", ".join(feed.by_name)},
            )

    def _section(self, name: str) -> dict[str, Any]:
        section = self._data.get(name, {})
        if not isinstance(section, dict):
            self._fault(name, _("must be a section: [%(name)s].") % {"name": name})
        return section

    def _only(self, table: dict[str, Any], known: set[str], key: str) -> None:
        unknown = sorted(set(table) - known)
        if unknown:
            self._fault(
                f"{key}.{unknown[0]}" if key else unknown[0],
                _("is not known here; known are %(all)s.") % {"all": ", ".join(sorted(known))},
            )

    def _string(self, table: dict[str, Any], name: str, key: str) -> str:
        value = table.get(name, "")
        if not isinstance(value, str):
            self._fault(key or name, _("%(name)s must be text in quotes.") % {"name": name})
        return value

    def _words(self, value: Any, key: str) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            self._fault(key, _("must be a list of column names."))
        return value

    def _plain(self, value: Any, key: str) -> str:
        """Return a TOML value as a cell would spell it."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int | date):
            return str(value)
        return self._fault(key, _("must be text, a whole number, a date, true or false."))

    def _fault(self, key: str, why: str) -> NoReturn:
        line = self._line_of(key)
        where = _("line %(line)d, %(key)s") % {"line": line, "key": key} if line else key
        raise FeedRefused(
            _("The mapping, %(where)s: %(why)s") % {"where": where, "why": why},
            code="mapping_invalid",
        )

    def _line_of(self, key: str) -> int:
        """Return the line on which a dotted key begins, or 0 where it is nowhere."""
        section, _dot, name = key.rpartition(".")
        section, name = (section.split(".")[0], key.split(".")[1]) if section else ("", key)
        inside = not section
        for number, line in enumerate(self._text.splitlines(), start=1):
            if header := re.match(r"\s*\[+\s*([\w.\-\"]+)", line):
                inside = header[1].split(".")[0] == section if section else header[1] == name
                if inside and (not section or header[1] == f"{section}.{name}"):
                    return number
            elif inside and re.match(rf"\s*\"?{re.escape(name)}\"?\s*[=.]", line):
                return number
        return 0


def _reads_any_file(encoding: str) -> bool:
    """
    Whether files can be cut into lines before they are decoded and no byte stops the reading:
    UTF-16, EBCDIC and Python's own notations are encodings, too.
    """
    try:
        return (_ASCII + b"\xff").decode(encoding, "surrogateescape").startswith(_ASCII.decode())
    except (LookupError, ValueError):
        return False


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
