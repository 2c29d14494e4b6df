"""The feed of monthly usage."""

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from crm.platform.feeds.chunks import Chunk
from crm.platform.feeds.columns import Column, Kind
from crm.platform.feeds.definition import FileFacts, Preparation
from crm.platform.feeds.read_model import NEWER, ReadModelFeed
from crm.platform.feeds.sql import findings
from customers.feeds.columns import SERVICE_NUMBER, SUBSCRIBER
from customers.feeds.owners import Holder
from customers.feeds.periods import months_late, prepare_months, time_rules, too_late

BIGGEST_INTEGER = 2**31 - 1
_FIRST_DATE_AS_VERSION = 19000101
SUBSCRIBER_NUMBER = replace(SUBSCRIBER[0], aliases=("subscriber", "number"))


class UsageFeed(ReadModelFeed):
    """
    A row is what one subscriber used in one month so far. A row without a version is as new as
    its file: as of the mapping's date, or of the day it arrived.
    """

    code = "usage"
    label = _("Usage")
    key = "subscriber_number"
    columns = (
        Column(name="month", aliases=("period", "cycle"), kind=Kind.MONTH, required=True,
               meaning=_("the month, YYYY-MM")),
        SUBSCRIBER_NUMBER,
        SERVICE_NUMBER,
        Column(name="used_on", aliases=("day",), kind=Kind.DATE,
               meaning=_("a day of the usage, where the number changed hands within the month")),
        Column(name="voice_out_seconds", kind=Kind.INTEGER, meaning=_("outgoing calls, seconds")),
        Column(name="voice_in_seconds", kind=Kind.INTEGER, meaning=_("incoming calls, seconds")),
        Column(name="sms_count", kind=Kind.INTEGER, most=BIGGEST_INTEGER,
               meaning=_("messages sent")),
        Column(name="data_kb", kind=Kind.INTEGER, meaning=_("data, kilobytes")),
        Column(name="roaming_kb", kind=Kind.INTEGER, meaning=_("data while roaming, kilobytes")),
        Column(name="night_data_kb", kind=Kind.INTEGER, meaning=_("data at night, kilobytes")),
        Column(name="dropped_calls", kind=Kind.INTEGER, most=BIGGEST_INTEGER,
               meaning=_("calls the network lost")),
        Column(name="version", aliases=("record_seq",), kind=Kind.INTEGER, least=1,
               most=BIGGEST_INTEGER, meaning=_("a higher version replaces a lower one")),
    )  # fmt: skip
    one_of = (("subscriber_number", "service_number"),)
    table = "customers_monthlyusage"
    identity = ("month", "subscriber_id")
    is_guarded = True
    partitioned_by = "month"
    owners = ("customer_id",)
    values = {
        "voice_out_seconds": "0",
        "voice_in_seconds": "0",
        "sms_count": "0",
        "data_kb": "0",
        "roaming_kb": "0",
        "night_data_kb": "0",
        "dropped_calls": "0",
        "version": "1",
    }

    def prepare(self, run: Preparation) -> None:
        prepare_months(run, table=self.table, column="month", staged="month")

    def resolved(self, chunk: Chunk) -> str:
        stated = chunk.facts.stated
        holder = self._holder(stated)
        late = months_late(chunk, "s.month")
        version = "s.version" if "version" in stated else f"{_version_of(chunk.facts):d}"
        found = findings(
            *holder.rules(),
            *time_rules(chunk, "month"),
        )
        values = ", ".join(f"s.{name}" for name in self.values if name != "version")
        return (
            f"SELECT s.row, s.month, {holder.column('id')} AS subscriber_id,"
            f" {holder.column('customer_id')} AS customer_id, {values}, {version} AS version,"
            f" {late} > 0 AS late, {too_late(chunk, late, 'month')} AS too_late,"
            f" {found} AS findings"
            f" FROM {chunk.stage} AS s {holder.joins} WHERE {chunk.staged_rows}"
        )

    def is_looked_over(self, chunk: Chunk) -> bool:
        return "service_number" in chunk.facts.stated

    def look_over(self, chunk: Chunk) -> None:
        self._holder(chunk.facts.stated).refuse_several(chunk)

    def compared(self, facts: FileFacts) -> list[str]:
        explicit = "version" in facts.stated
        return [name for name in self.values if explicit or name != "version"]

    def verdict(self, facts: FileFacts) -> str:
        if "version" not in facts.stated:
            return (
                f"CASE WHEN r.version >= t.version THEN {NEWER}"
                " ELSE '|older_than_known|' || t.version END"
            )
        return (
            f"CASE WHEN coalesce(r.version, 1) > t.version"
            f" OR t.version >= {_FIRST_DATE_AS_VERSION} THEN {NEWER}"
            " WHEN coalesce(r.version, 1) = t.version"
            " THEN 'version|same_version_differs|' || t.version"
            " ELSE 'version|older_version|' || t.version END"
        )

    @staticmethod
    def _holder(stated: frozenset[str]) -> Holder:
        return Holder(
            stated,
            begins="coalesce(s.used_on, s.month)",
            ends="coalesce(s.used_on, (s.month + interval '1 month - 1 day')::date)",
        )


def _version_of(facts: FileFacts) -> int:
    return int((facts.as_of or facts.today).strftime("%Y%m%d"))
