"""Template tags of every page: masks, money, moments, charts."""

from datetime import date, datetime
from html import escape
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from crm.platform.access.masking import FIELD_NAMES, mask
from crm.platform.access.roles import ROLES
from crm.platform.ui import figures

register = template.Library()


@register.filter
def masked(value: object, field_class: str) -> str:
    """Return the value in the masked form of its field class ("person_name", "phone", …)."""
    return mask(value, field_class)


@register.filter
def field_name(field_class: str) -> str:
    """Return what a field class is called; an unknown one as it is."""
    return str(FIELD_NAMES.get(field_class, field_class))


@register.filter
def role_name(code: str) -> str:
    """Return what the role of a code is called; one that an administrator made as it is."""
    return gettext(ROLES[code][0]) if code in ROLES else code


@register.filter
def money(fen: int | None) -> str:
    """Return fen as "¥1,234.50"; nothing for None."""
    return "" if fen is None else figures.money(fen)


@register.filter
def amount(fen: int | None) -> SafeString | str:
    """Return fen as money in tabular figures, red below zero: for tables and tiles."""
    if fen is None:
        return ""
    sign = " money-negative" if fen < 0 else ""
    return format_html('<span class="money{}">{}</span>', sign, figures.money(fen))


@register.filter
def quantity(value: float | None) -> str:
    """Return a number with thousands separators and at most two decimals."""
    return "" if value is None else figures.quantity(value)


@register.filter
def percent(share: float | None) -> str:
    """Return a share (0.123) as "12.3%"."""
    return "" if share is None else figures.percent(share)


@register.filter
def moment(when: datetime | date | None) -> SafeString | str:
    """Return how long ago, or how soon, with the exact time on hover; nothing for None."""
    if when is None:
        return ""
    if isinstance(when, datetime):
        local = timezone.localtime(when)
        exact, short = f"{local:%Y-%m-%d %H:%M:%S}", _short_time(local, timezone.localtime())
        machine = when.isoformat(timespec="seconds")
    else:
        exact = machine = when.isoformat()
        short = _short_day(when, timezone.localdate())
    return format_html('<time datetime="{}" title="{}">{}</time>', machine, exact, short)


def _short_time(local: datetime, now: datetime) -> str:
    seconds = (now - local).total_seconds()
    if 0 <= seconds < 60:
        return gettext("just now")
    if 60 <= seconds < 3600:
        minutes = int(seconds // 60)
        return ngettext("%(n)d min ago", "%(n)d min ago", minutes) % {"n": minutes}
    if -3600 < seconds < 0:
        minutes = int(-seconds // 60) + 1
        return ngettext("in %(n)d min", "in %(n)d min", minutes) % {"n": minutes}
    clock = f"{local:%H:%M}"
    days = (now.date() - local.date()).days
    if days == 0:
        return clock
    if days == 1:
        return gettext("yesterday %(time)s") % {"time": clock}
    if days == -1:
        return gettext("tomorrow %(time)s") % {"time": clock}
    return f"{local:%m-%d %H:%M}" if local.year == now.year else f"{local:%Y-%m-%d}"


def _short_day(day: date, today: date) -> str:
    days = (today - day).days
    if days == 0:
        return gettext("today")
    if days == 1:
        return gettext("yesterday")
    if days == -1:
        return gettext("tomorrow")
    return day.isoformat()


@register.inclusion_tag("ui/_chart.html")
def chart(option: dict[str, Any], name: str) -> dict[str, Any]:
    """Draw an option of `crm.platform.ui.charts`, with its figures as a table underneath."""
    drawn = {key: value for key, value in option.items() if key != "table"}
    table = option["table"]
    return {
        "name": name,
        "option": drawn,
        "label": option["summary"],
        "head": format_html_join("", '<th scope="col"{}>{}</th>', _columns(table["columns"])),
        "body": _body(table["rows"], table.get("links")),
    }


_NUMBER = mark_safe(' class="number"')


def _columns(names: list[str]) -> list[tuple[str, str]]:
    return [(_NUMBER if place else "", name) for place, name in enumerate(names)]


def _body(rows: list[list[Any]], links: list[str] | None) -> SafeString:
    """The rows of a table of figures: by hand, because a page has hundreds of its cells."""
    parts = []
    for place, (name, *cells) in enumerate(rows):
        head = escape(str(name))
        if links:
            head = f'<a href="{escape(links[place])}">{head}</a>'
        figures_of_row = "".join(f'<td class="number">{escape(str(c))}</td>' for c in cells)
        parts.append(f'<tr><th scope="row">{head}</th>{figures_of_row}</tr>')
    return mark_safe("".join(parts))  # every part is escaped above
