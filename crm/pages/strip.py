"""The highlights strip and the charts of the customer page."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from analytics.selectors import ChurnCard
from crm.platform.ui import charts, figures
from crm.platform.ui.templatetags.crm_ui import amount, moment
from customers.selectors import Contact, Overview

CONTRACT_SOON_DAYS = 60


@dataclass(frozen=True)
class Fact:
    """One fact of the strip: always the same place, even when there is nothing to say."""

    name: str | Promise
    value: str | SafeString
    note: str | SafeString = ""
    state: str = ""
    icon: str = ""
    href: str = ""


def highlights(overview: Overview, cards: list[ChurnCard], *, today: date) -> list[Fact]:
    """Return the facts that decide a contact, in their fixed order; the riskiest card is first."""
    return [
        _balance(overview),
        _arrears(overview),
        _contract(overview, today),
        _churn(cards),
        _stops(overview),
        _tenure(overview, today),
        _last_contact(overview.last_contact),
    ]


def _balance(overview: Overview) -> Fact:
    money = overview.money
    if not overview.account_count:
        return Fact(_("Balance"), "–", gettext("no billing account"), "off", "wallet-off")
    balance = amount(money.balance_fen)
    told = format_html(gettext("as of {}"), moment(money.as_of)) if money.as_of else ""
    return Fact(_("Balance"), balance, told, "", "wallet", "#accounts")


def _arrears(overview: Overview) -> Fact:
    money = overview.money
    if not money.owed_fen:
        return Fact(_("Arrears"), gettext("none"), "", "good", "circle-check", "#accounts")
    dunning = ""
    if money.dunning:
        dunning = ngettext(
            "%(n)d account in dunning", "%(n)d accounts in dunning", money.dunning
        ) % {"n": money.dunning}
    return Fact(
        _("Arrears"), figures.money(money.owed_fen), dunning, "bad", "alert-circle", "#accounts"
    )


def _contract(overview: Overview, today: date) -> Fact:
    ends = overview.contract_ends_on
    if ends is None:
        return Fact(_("Contract ends"), gettext("no contract"), "", "off", "file-off", "#lines")
    days = (ends - today).days
    note = ngettext("in %(n)d day", "in %(n)d days", days) % {"n": days}
    state, icon = ("risk", "calendar-due") if days <= CONTRACT_SOON_DAYS else ("", "calendar")
    return Fact(_("Contract ends"), ends.isoformat(), note, state, icon, "#lines")


def _churn(cards: list[ChurnCard]) -> Fact:
    if not cards:
        return Fact(_("Churn risk"), gettext("not scored"), "", "off", "help", "#churn-card")
    worst = cards[0]
    name, state, icon = {
        "high": (gettext("high"), "bad", "alert-circle"),
        "raised": (gettext("raised"), "risk", "alert-triangle"),
    }.get(worst.level, (gettext("low"), "good", "circle-check"))
    reasons = len(worst.reasons)
    note = ngettext("%(n)d reason", "%(n)d reasons", reasons) % {"n": reasons} if reasons else ""
    return Fact(_("Churn risk"), name, note, state, icon, "#churn-card")


def _stops(overview: Overview) -> Fact:
    live, stopped = overview.live_line_count, overview.stopped_line_count
    of = ngettext("of %(n)d line", "of %(n)d lines", live) % {"n": live}
    if not live:
        return Fact(_("Stopped"), gettext("no live line"), "", "off", "device-mobile-off", "#lines")
    if stopped:
        return Fact(_("Stopped"), str(stopped), of, "bad", "player-pause", "#lines")
    return Fact(_("Stopped"), gettext("none"), of, "good", "circle-check", "#lines")


def _tenure(overview: Overview, today: date) -> Fact:
    opened = overview.customer.opened_on
    months = (today.year - opened.year) * 12 + today.month - opened.month
    months -= today.day < opened.day
    years, rest = divmod(max(0, months), 12)
    if years:
        value = ngettext("%(n)d year", "%(n)d years", years) % {"n": years}
    else:
        value = ngettext("%(n)d month", "%(n)d months", rest) % {"n": rest}
    since = gettext("since %(day)s") % {"day": opened.isoformat()}
    return Fact(_("With us"), value, since, "", "hourglass")


def _last_contact(latest: Contact | None) -> Fact:
    if latest is None:
        return Fact(
            _("Last contact"), gettext("none in 13 months"), "", "off", "message-off", "#timeline"
        )
    note = f"{latest.channel.label} · {latest.purpose.label}"
    return Fact(_("Last contact"), moment(latest.started_at), note, "", "message", "#timeline")


def bill_chart(overview: Overview) -> dict[str, Any] | None:
    """Return billed and paid by month; a month without a bill is a gap."""
    if not overview.bills:
        return None
    by_month = {bill.month: bill for bill in overview.bills}
    months = _without_empty_ends(overview.months, set(by_month))
    bills = [by_month.get(month) for month in months]
    return charts.bar(
        title=gettext("Bills by month"),
        categories=[f"{month:%Y-%m}" for month in months],
        category_name=gettext("Month"),
        series={
            gettext("Billed"): [bill.billed_fen / 100 if bill else None for bill in bills],
            gettext("Paid"): [bill.paid_fen / 100 if bill else None for bill in bills],
        },
        unit=gettext("yuan"),
    )


def usage_charts(overview: Overview) -> list[dict[str, Any]]:
    """Return one small chart a kind of usage that there was: data, voice, messages, roaming."""
    by_month = {row["month"]: row for row in overview.usage}
    months = _without_empty_ends(overview.months, set(by_month))
    kinds = [
        ("data", _("Data"), "GB", 1024 * 1024, "accent"),
        ("voice_seconds", _("Calls"), gettext("minutes"), 60, "teal"),
        ("sms", _("Messages"), gettext("messages"), 1, "purple"),
        ("roaming", _("Roaming data"), "GB", 1024 * 1024, "amber"),
        ("dropped", _("Dropped calls"), gettext("calls"), 1, "grey"),
    ]
    drawn = []
    for key, name, unit, divisor, colour in kinds:
        rows = [by_month.get(month) for month in months]
        values = [round(row[key] / divisor, 2) if row else None for row in rows]
        if any(values):
            option = charts.bar(
                title=str(name),
                categories=[f"{month:%Y-%m}" for month in months],
                category_name=gettext("Month"),
                series={str(name): values},
                unit=str(unit),
                colours=[colour],
            )
            drawn.append({"name": name, "key": f"usage-{key}", "option": option})
    return drawn


def _without_empty_ends(months: list[date], present: set[date]) -> list[date]:
    """Leave out the months before the first and after the last that has anything."""
    if not present:
        return []
    return [month for month in months if min(present) <= month <= max(present)]
