"""Whose row it is: by the numbers a row states, as they were held at the time it is about."""

from collections.abc import Iterable
from dataclasses import dataclass

from crm.platform.feeds.chunks import Chunk
from customers.models import Customer

Rule = tuple[str, ...]


def customer_join() -> str:
    """
    Return the join from a staged row `s` to the customer `c` whom its number names today: of
    a record that was merged into another, the other. `n` is the record that bears the number.
    """
    if not Customer.objects.exclude(merged_into=None).exists():  # one lookup saves one a row
        return (
            "LEFT JOIN customers_customer AS c ON c.number = s.customer_number"
            " LEFT JOIN LATERAL (SELECT c.id, c.merged_into_id) AS n ON true"
        )
    return (
        "LEFT JOIN customers_customer AS n ON n.number = s.customer_number"
        " LEFT JOIN customers_customer AS c ON c.id = coalesce(n.merged_into_id, n.id)"
    )


@dataclass(frozen=True)
class Holder:
    """
    Joins from a staged row `s` to the subscriber it is about, for those columns of the file
    that are stated, with the expressions of their ids and what may be wrong.

    A service number is looked up among those who held it at some moment of `begins` to `ends`
    (dates, both included): numbers are used again, and late rows belong to the former holder.
    """

    stated: frozenset[str]
    begins: str
    ends: str

    @property
    def joins(self) -> str:
        joins = []
        if "subscriber_number" in self.stated:
            joins.append("LEFT JOIN customers_subscriber AS u ON u.number = s.subscriber_number")
        if "service_number" in self.stated:
            without = (
                " AND s.subscriber_number IS NULL" if "subscriber_number" in self.stated else ""
            )
            joins.append(
                "LEFT JOIN customers_subscriber AS h ON h.service_number = s.service_number"
                f"{without} AND h.opened_on <= {self.ends}"
                f" AND (h.ended_on IS NULL OR h.ended_on > {self.begins})"
            )
        return "\n".join(joins)

    def column(self, name: str) -> str:
        """Return the expression of a column of the subscriber found."""
        found = [
            f"{alias}.{name}"
            for alias, column in (("u", "subscriber_number"), ("h", "service_number"))
            if column in self.stated
        ]
        return f"coalesce({', '.join(found)})" if found else "NULL::bigint"

    def rules(self) -> Iterable[Rule]:
        if "subscriber_number" in self.stated:
            yield (
                "s.subscriber_number IS NOT NULL AND u.id IS NULL",
                "subscriber_number",
                "unknown_subscriber",
            )
        if "service_number" in self.stated:
            alone = "s.subscriber_number IS NULL AND " if "subscriber_number" in self.stated else ""
            yield (
                f"{alone}s.service_number IS NOT NULL AND h.id IS NULL",
                "service_number",
                "number_not_in_service",
            )

    def refuse_several(self, chunk: Chunk) -> None:
        """Where a number had several holders in the time of a row, nobody can say whose it is."""
        if "service_number" not in self.stated:
            return
        several = "SELECT row FROM feed_rows GROUP BY row HAVING count(*) > 1"
        if not chunk.value(f"SELECT EXISTS ({several})"):
            return
        chunk.execute(
            "DELETE FROM feed_rows AS r USING (SELECT row, min(ctid) AS kept FROM feed_rows"
            " GROUP BY row HAVING count(*) > 1) AS d WHERE d.row = r.row AND r.ctid <> d.kept"
            " RETURNING r.row"
        )
        rows = sorted({row for (row,) in chunk.cursor.fetchall()})
        chunk.execute(
            "UPDATE feed_rows SET findings = ARRAY['service_number|number_held_by_several|']"
            " WHERE row = ANY(%s)",
            [rows],
        )
