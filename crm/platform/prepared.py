"""
Querysets whose SQL is made once.

Making SQL from a queryset takes Django longer than PostgreSQL takes to answer it. Where that is
most of what a page costs, the question is prepared: a queryset with `Slot`s where the values come,
compiled at its first use and asked with other values ever after.

    _LINES = Prepared(lambda: Line.objects.filter(customer=Slot("customer")).order_by("pk"))
    _LINES.rows(customer=7)

What an account may see is part of a question, so a queryset with `visible_to` is prepared for each
reach: `PreparedForReach`. Nothing that was read is kept, only SQL.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Expression, QuerySet
from django.db.models.query import ValuesIterable, get_related_populators

from crm.platform.access.scope import scope_of

if TYPE_CHECKING:
    from crm.platform.access.models import Staff

MOST_REACHES = 2_000
"""Prepared questions kept for one `PreparedForReach`; more accounts than this begin anew."""

_MORE = "\0"
"""In SQL, around the name of a list: a placeholder for each value after the first goes here."""
Row = list[Any]


class Slot(Expression):
    """The place of a value in a prepared question. The right-hand side of a lookup."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, _compiler: Any, _connection: Any) -> Any:
        return "%s", [self]


class Slots(Slot):
    """The place of a list of values, not empty, for `…__in`."""

    def as_sql(self, _compiler: Any, _connection: Any) -> Any:
        return f"(%s{_MORE}{self.name}{_MORE})", [self]


class Prepared:
    """A question. Objects come with their `select_related` and annotations, `values` as dicts."""

    def __init__(self, build: Callable[[], QuerySet[Any, Any]]) -> None:
        self._build = build

    def rows(self, **values: Any) -> list[Any]:
        """Ask it. `values` has one entry for each slot."""
        plan = self._plan
        if plan is None:
            return []
        sql, params = plan.filled(values)
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return [plan.made(row) for row in cursor.fetchall()]

    def first(self, **values: Any) -> Any:
        """Return the first row, or None."""
        return next(iter(self.rows(**values)), None)

    @property
    def sql(self) -> tuple[str, list[Any]] | None:
        """
        The question as a subquery for SQL written by hand, and its parameters. It has no slots.

        None if it asks for what cannot be, as the customers of an account that may see none.
        """
        return (self._plan.sql, list(self._plan.params)) if self._plan else None

    @cached_property
    def _plan(self) -> "_Plan | None":
        try:
            return _Plan(self._build())
        except EmptyResultSet:  # the account may see nothing at all
            return None


class PreparedForReach:
    """One question of `visible_to`, prepared anew for each reach that asks it."""

    def __init__(self, build: "Callable[[Staff], QuerySet[Any, Any]]") -> None:
        self._build = build
        self._kept: dict[object, Prepared] = {}

    def __getitem__(self, staff: "Staff") -> Prepared:
        key = scope_of(staff).key
        prepared = self._kept.get(key)
        if prepared is None:
            if len(self._kept) >= MOST_REACHES:
                self._kept.clear()
            prepared = self._kept[key] = Prepared(lambda: self._build(staff))
        return prepared


class _Plan:
    """The SQL of a queryset, and how Django would make its objects of the rows."""

    def __init__(self, queryset: QuerySet[Any, Any]) -> None:
        compiler: Any = queryset.query.get_compiler(using=DEFAULT_DB_ALIAS)
        self.sql, self.params = compiler.as_sql()
        fields = [column[0] for column in compiler.select[: compiler.col_count]]
        self._converters = list(compiler.get_converters(fields).items())
        self._names = list(queryset.query.selected or ())
        if queryset._iterable_class is ValuesIterable:
            self._made = self._as_dict
            return
        info = compiler.klass_info
        columns = info["select_fields"]
        self._model, self._span = info["model"], slice(columns[0], columns[-1] + 1)
        self._attributes = [c[0].target.attname for c in compiler.select[self._span]]
        populators: Any = get_related_populators  # the stubs are of Django 6
        self._related = populators(info, compiler.select, DEFAULT_DB_ALIAS)
        self._annotations = list((compiler.annotation_col_map or {}).items())
        self._made = self._as_object

    def filled(self, values: dict[str, Any]) -> tuple[str, list[Any]]:
        sql, params = self.sql, []
        for param in self.params:
            if isinstance(param, Slots):
                several = values[param.name]
                sql = sql.replace(f"{_MORE}{param.name}{_MORE}", ", %s" * (len(several) - 1))
                params += several
            else:
                params.append(values[param.name] if isinstance(param, Slot) else param)
        return sql, params

    def made(self, row: tuple[Any, ...]) -> Any:
        values = list(row)
        for place, (converters, expression) in self._converters:
            for convert in converters:
                values[place] = convert(values[place], expression, connection)
        return self._made(values)

    def _as_dict(self, row: Row) -> dict[str, Any]:
        return dict(zip(self._names, row, strict=True))

    def _as_object(self, row: Row) -> Any:
        made = self._model.from_db(DEFAULT_DB_ALIAS, self._attributes, row[self._span])
        for related in self._related:
            related.populate(row, made)
        for name, place in self._annotations:
            setattr(made, name, row[place])
        return made
