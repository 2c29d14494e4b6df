"""What hangs on customers, accounts and subscribers, and follows when a feed writes them."""

from django.conf import settings

from crm.platform.feeds.chunks import Chunk
from customers.models import MediumKind

_SEPARATOR = r"E'\x1f'"


def midnight(day: str) -> str:
    """Return the expression of the moment at which a day begins for the operator."""
    return f"(({day})::timestamp AT TIME ZONE '{settings.TIME_ZONE}')"


def identifications(chunk: Chunk) -> None:
    """Add the document a row states where the party does not have it yet. Never replaces one."""
    missing = (
        "FROM feed_rows AS r WHERE r.number_hash IS NOT NULL AND NOT EXISTS (SELECT FROM"
        " customers_partyidentification AS i WHERE i.number_hash = r.number_hash"
        " AND i.kind = r.id_kind_said AND i.party_id = r.party_id)"
    )
    _note(chunk, "identification", missing)
    chunk.execute(
        "INSERT INTO customers_partyidentification (party_id, kind, number_encrypted,"
        " number_hash, number_masked, issuer, valid_to, verified_by, created_at, updated_at)"
        " SELECT r.party_id, r.id_kind_said, r.number_encrypted, r.number_hash, r.number_masked,"
        f" coalesce(r.id_issuer, ''), r.id_valid_to, '', %s, %s {missing} ORDER BY r.number_hash"
        # Two numbers may be one customer since a merge.
        " ON CONFLICT DO NOTHING",
        [chunk.at, chunk.at],
    )


def media(chunk: Chunk) -> None:
    """Add the phone, e-mail and address a row states where they are not current already."""
    for column, kind in (
        ("phone", MediumKind.PHONE),
        ("email", MediumKind.EMAIL),
        ("address", MediumKind.ADDRESS),
    ):
        if column not in chunk.facts.stated:
            continue
        missing = (
            f"FROM feed_rows AS r WHERE r.{column} IS NOT NULL AND NOT EXISTS (SELECT FROM"
            f" customers_contactmedium AS m WHERE m.party_id = r.party_id AND m.kind = '{kind}'"
            f" AND m.value = r.{column} AND m.ends_at IS NULL)"
        )
        _note(chunk, column, missing)
        chunk.execute(
            "INSERT INTO customers_contactmedium (party_id, kind, value, is_preferred, starts_at,"
            f" created_at, updated_at) SELECT r.party_id, '{kind}', r.{column}, false, %s, %s, %s"
            f" {missing} ORDER BY r.party_id ON CONFLICT DO NOTHING",
            [chunk.at, chunk.at, chunk.at],
        )


def status_periods(chunk: Chunk) -> None:
    """Keep the past of a subscriber's status: begin it, or close one period and open the next."""
    opened, ended = midnight("u.opened_on"), midnight("u.ended_on")
    new = "FROM feed_rows AS r JOIN customers_subscriber AS u ON u.id = r.subscriber_id"
    insert = "INSERT INTO customers_subscriberstatusperiod (subscriber_id, status, reason,"
    chunk.execute(
        f"{insert} starts_at, ends_at)"
        f" SELECT u.id, 'ACTIVE', '', {opened}, {ended} {new}"
        " WHERE r.subscriber_new AND u.ended_on > u.opened_on"
        f" UNION ALL SELECT u.id, u.status, u.end_reason, coalesce({ended}, {opened}), NULL {new}"
        " WHERE r.subscriber_new ORDER BY 1"
    )
    if not {"subscriber_status", "ended_on"} & chunk.facts.stated:
        return
    since = f"coalesce({ended}, r.status_since, %s)"
    moved = (
        "feed_rows AS r JOIN customers_subscriber AS u ON u.id = r.subscriber_id"
        " WHERE NOT r.subscriber_new AND p.subscriber_id = u.id AND p.ends_at IS NULL"
        " AND p.status <> u.status"
    )
    chunk.drop("feed_moved")
    chunk.execute(
        "CREATE TEMPORARY TABLE feed_moved ON COMMIT DROP AS SELECT p.id, u.id AS subscriber_id,"
        f" u.status, u.end_reason, {since} AS since, p.starts_at < {since} AS goes_on"
        f" FROM customers_subscriberstatusperiod AS p, {moved}",
        [chunk.at, chunk.at],
    )
    chunk.keep_images(
        "customers_subscriberstatusperiod",
        "customers_subscriberstatusperiod AS t JOIN feed_moved AS m USING (id) WHERE true",
    )
    chunk.execute(
        "UPDATE customers_subscriberstatusperiod AS t SET ends_at = CASE WHEN goes_on THEN since"
        " END, status = CASE WHEN goes_on THEN t.status ELSE m.status END FROM feed_moved AS m"
        " WHERE m.id = t.id"
    )
    chunk.execute(
        f"{insert} starts_at) SELECT subscriber_id, status, end_reason, since FROM feed_moved"
        " WHERE goes_on ORDER BY 1"
    )


def pay_relations(chunk: Chunk) -> None:
    """Let the account a row states pay for its subscriber from now on."""
    if not {"account_number", "subscriber_number"} <= chunk.facts.stated:
        return
    both = "feed_rows AS r WHERE r.account_id IS NOT NULL AND r.subscriber_id IS NOT NULL"
    open_relation = (
        "p.subscriber_id = r.subscriber_id AND p.charge_item = '' AND p.priority = 1"
        " AND p.ends_at IS NULL"
    )
    other = f"{both} AND {open_relation} AND p.account_id <> r.account_id AND p.starts_at < %s"
    chunk.drop("feed_repaid")
    chunk.execute(
        f"CREATE TEMPORARY TABLE feed_repaid ON COMMIT DROP AS SELECT r.row, p.id"
        f" FROM customers_payrelation AS p, {other}",
        [chunk.at],
    )
    chunk.execute("INSERT INTO feed_changed SELECT row, 'pay_relation', id FROM feed_repaid")
    chunk.keep_images(
        "customers_payrelation",
        "customers_payrelation AS t JOIN feed_repaid AS m USING (id) WHERE true",
    )
    chunk.execute(
        "UPDATE customers_payrelation AS t SET ends_at = %s, updated_at = %s FROM feed_repaid AS m"
        " WHERE m.id = t.id",
        [chunk.at, chunk.at],
    )
    missing = (
        f"{both} AND NOT EXISTS (SELECT FROM customers_payrelation AS p WHERE {open_relation})"
    )
    _note(chunk, "pay_relation", f"FROM {missing}")
    starts = f"CASE WHEN r.subscriber_new THEN {midnight('u.opened_on')} ELSE %s END"
    chunk.execute(
        "INSERT INTO customers_payrelation (subscriber_id, account_id, charge_item, priority,"
        " starts_at, created_at, updated_at) SELECT r.subscriber_id, r.account_id, '', 1,"
        f" {starts}, %s, %s FROM customers_subscriber AS u, {missing} AND u.id = r.subscriber_id"
        " ORDER BY 1",
        [chunk.at, chunk.at, chunk.at],
    )


def _note(chunk: Chunk, part: str, missing: str) -> None:
    """Note existing rows that gain something. New rows need no note: they count as created."""
    chunk.execute(f"INSERT INTO feed_changed SELECT r.row, '{part}', NULL {missing} AND r.is_known")
