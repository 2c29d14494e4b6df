"""Finding pairs of customers that may be one, set-based: all of them, or those of a few."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from crm.platform.access.models import Staff
from crm.platform.errors import DomainError
from customers.merging.evidence import POINTS, SHARED_BY_MOST
from customers.models import CandidateStatus, DuplicateCandidate

# `mine` are the customers whose pairs are sought. Whatever they share is looked up by an index,
# one more holder than allowed at the most, so that a common key costs no more than a rare one.
_SHARED = """
CREATE TEMPORARY TABLE duplicate_shared ON COMMIT DROP AS
WITH keys AS (
    SELECT k.key, k.customer_id AS id FROM customers_searchkey AS k
    JOIN duplicate_mine AS m ON m.id = k.customer_id
    WHERE (k.key >= 'd' AND k.key < 'e') OR (k.key >= 'p' AND k.key < 'q')
), by_key AS (
    SELECT k.key, k.id, o.ids FROM keys AS k CROSS JOIN LATERAL (
        SELECT array_agg(x.customer_id) AS ids FROM (SELECT x.customer_id
            FROM customers_searchkey AS x WHERE x.key = k.key LIMIT %(most)s + 1) AS x) AS o
), by_birth AS (
    SELECT 'b' || p.sort_key || p.birth_date AS key, m.id, o.ids FROM duplicate_mine AS m
    JOIN customers_party AS p ON p.id = m.party_id
    CROSS JOIN LATERAL (SELECT array_agg(c.id) AS ids FROM (SELECT q.id FROM customers_party AS q
        WHERE q.sort_key = p.sort_key AND q.birth_date = p.birth_date
        LIMIT %(most)s + 1) AS q JOIN customers_customer AS c ON c.party_id = q.id) AS o
    WHERE p.birth_date IS NOT NULL AND p.sort_key <> ''
), by_address AS (
    SELECT 'h' || md5(a.value) AS key, m.id, o.ids FROM duplicate_mine AS m
    JOIN customers_contactmedium AS a
        ON a.party_id = m.party_id AND a.kind = 'ADDRESS' AND a.ends_at IS NULL
    CROSS JOIN LATERAL (SELECT array_agg(c.id) AS ids FROM (SELECT b.party_id
        FROM customers_contactmedium AS b WHERE md5(b.value) = md5(a.value)
        AND b.kind = 'ADDRESS' AND b.ends_at IS NULL LIMIT %(most)s + 1) AS b
        JOIN customers_customer AS c ON c.party_id = b.party_id) AS o
)
SELECT * FROM by_key WHERE cardinality(ids) > 1
UNION ALL SELECT * FROM by_birth WHERE cardinality(ids) > 1
UNION ALL SELECT * FROM by_address WHERE cardinality(ids) > 1
"""

# A number that was given up is in the keys of its former holder, too: that is no evidence.
_PAIRS = """
CREATE TEMPORARY TABLE duplicate_found ON COMMIT DROP AS
WITH pairs AS (
    SELECT least(s.id, o.id) AS l, greatest(s.id, o.id) AS r,
        count(DISTINCT s.key) FILTER (WHERE s.key LIKE 'd%%') AS identity,
        count(DISTINCT s.key) FILTER (WHERE s.key LIKE 'p%%') AS phone
    FROM duplicate_shared AS s CROSS JOIN LATERAL unnest(s.ids) AS o (id)
    WHERE cardinality(s.ids) <= %(most)s AND o.id <> s.id
      AND (s.key NOT LIKE 'p%%' OR NOT EXISTS (SELECT FROM customers_subscriber AS u
        WHERE u.customer_id IN (s.id, o.id) AND 'p' || u.service_number = s.key
          AND u.ended_on IS NOT NULL))
    GROUP BY 1, 2
), judged AS (
    SELECT pairs.*, p.name = q.name AS name, p.sort_key = q.sort_key AS like_name,
        coalesce(p.birth_date = q.birth_date, false) AS birth_date,
        EXISTS (SELECT FROM customers_contactmedium AS a JOIN customers_contactmedium AS b
            ON b.party_id = q.id AND b.kind = 'ADDRESS' AND b.ends_at IS NULL
            AND b.value = a.value
            WHERE a.party_id = p.id AND a.kind = 'ADDRESS' AND a.ends_at IS NULL) AS address
    FROM pairs
    JOIN customers_customer AS c ON c.id = pairs.l AND c.merged_into_id IS NULL
    JOIN customers_customer AS d ON d.id = pairs.r AND d.merged_into_id IS NULL
    JOIN customers_party AS p ON p.id = c.party_id
    JOIN customers_party AS q ON q.id = d.party_id AND q.kind = p.kind
)
SELECT l, r, least(100, POINTS) AS score, jsonb_strip_nulls(jsonb_build_object(
    'identity', nullif(identity, 0), 'phone', nullif(phone, 0),
    'name', CASE WHEN name THEN 1 END, 'like_name', CASE WHEN like_name AND NOT name THEN 1 END,
    'address', CASE WHEN address THEN 1 END, 'birth_date', CASE WHEN birth_date THEN 1 END
)) AS evidence
FROM judged
WHERE identity > 0 OR phone > 0 OR ((name OR like_name) AND (address OR birth_date))
""".replace(
    "POINTS",
    f"{POINTS['identity']} * (identity > 0)::int + {POINTS['phone']} * (phone > 0)::int"
    f" + {POINTS['name']} * name::int + {POINTS['like_name']} * (like_name AND NOT name)::int"
    f" + {POINTS['address']} * address::int + {POINTS['birth_date']} * birth_date::int",
)

_FORGET = """
DELETE FROM customers_duplicatecandidate AS d USING duplicate_mine AS m
WHERE d.status = 'OPEN' AND (d.left_id = m.id OR d.right_id = m.id)
  AND NOT EXISTS (SELECT FROM duplicate_found AS f WHERE f.l = d.left_id AND f.r = d.right_id)
"""

_KEEP = """
INSERT INTO customers_duplicatecandidate AS d (left_id, right_id, score, evidence, status,
    found_at, reason, rejected_evidence, created_at, updated_at)
SELECT l, r, score, evidence, 'OPEN', %(at)s, '', '{}', %(at)s, %(at)s FROM duplicate_found
ORDER BY l, r
ON CONFLICT (left_id, right_id) DO UPDATE SET
    score = EXCLUDED.score, evidence = EXCLUDED.evidence, updated_at = EXCLUDED.updated_at,
    found_at = CASE WHEN d.status = 'OPEN' THEN d.found_at ELSE EXCLUDED.found_at END,
    status = 'OPEN', decided_at = NULL, decided_by_id = NULL
WHERE (d.status = 'OPEN' AND d.evidence <> EXCLUDED.evidence)
   OR (d.status = 'REJECTED' AND EXISTS (SELECT FROM jsonb_each_text(EXCLUDED.evidence) AS e
        WHERE e.value::int > coalesce((d.rejected_evidence ->> e.key)::int, 0)))
"""


@dataclass(frozen=True)
class Findings:
    """Pairs that look like one, those of them newly written, and keys passed over as common."""

    pairs: int
    written: int
    skipped_keys: int


class CandidateRefused(DomainError):
    code = "candidate_refused"


def find_duplicates(
    *, at: datetime, of: Sequence[int] = (), between: tuple[int, int] = (0, 0), since: Any = None
) -> Findings:
    """
    Look for the pairs of the customers `of`, or of those with first <= id < end, and keep them.

    `since` leaves out customers of whom nothing was written after that moment. Open pairs that
    no longer share anything are forgotten; a rejected one stays so until it shares more.
    """
    params = {
        "most": SHARED_BY_MOST,
        "at": at,
        "of": list(of),
        "first": between[0],
        "end": between[1],
        "since": since,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS duplicate_mine, duplicate_shared, duplicate_found")
        cursor.execute(_MINE_CHANGED if since else _MINE, params)
        cursor.execute("ANALYZE duplicate_mine")
        cursor.execute(_SHARED, params)
        cursor.execute(_PAIRS, params)
        cursor.execute(_FORGET)
        cursor.execute(_KEEP, params)
        written = cursor.rowcount
        cursor.execute(
            "SELECT (SELECT count(*) FROM duplicate_found), (SELECT count(DISTINCT key)"
            " FROM duplicate_shared WHERE cardinality(ids) > %(most)s)",
            params,
        )
        pairs, skipped = cursor.fetchone()
        cursor.execute("DROP TABLE duplicate_mine, duplicate_shared, duplicate_found")
    return Findings(pairs, written, skipped)


_MINE = """
CREATE TEMPORARY TABLE duplicate_mine ON COMMIT DROP AS
SELECT c.id, c.party_id FROM customers_customer AS c
WHERE c.merged_into_id IS NULL
  AND (c.id = ANY(%(of)s::bigint[]) OR (c.id >= %(first)s AND c.id < %(end)s))
"""
_MINE_CHANGED = f"""{_MINE} AND (
    c.updated_at >= %(since)s
    OR EXISTS (SELECT FROM customers_party AS p
        WHERE p.id = c.party_id AND p.updated_at >= %(since)s)
    OR EXISTS (SELECT FROM customers_contactmedium AS m
        WHERE m.party_id = c.party_id AND m.updated_at >= %(since)s)
    OR EXISTS (SELECT FROM customers_partyidentification AS i
        WHERE i.party_id = c.party_id AND i.updated_at >= %(since)s)
    OR EXISTS (SELECT FROM customers_subscriber AS s
        WHERE s.customer_id = c.id AND s.updated_at >= %(since)s))
"""


@transaction.atomic
def reject_candidate(
    *, candidate_id: int, actor: Staff, at: datetime, reason: str
) -> DuplicateCandidate:
    """
    Decide that two customers are not one. The pair does not come back for what it shares now.

    :raises CandidateRefused: without a reason, or if it was decided already.
    """
    candidate = DuplicateCandidate.objects.select_for_update().get(pk=candidate_id)
    if candidate.status != CandidateStatus.OPEN:
        said = _("This pair was decided already: %(status)s.")
        raise CandidateRefused(
            said % {"status": candidate.get_status_display().lower()}, code="candidate_decided"
        )
    if len(reason.strip()) < 4:
        said = _("Say in a few words why these are two customers.")
        raise CandidateRefused(said, code="candidate_reason_missing")
    _decide(candidate, CandidateStatus.REJECTED, actor=actor, at=at, reason=reason.strip())
    return candidate


def follow_merge(*, survivor_id: int, absorbed_id: int, actor: Staff | None, at: datetime) -> None:
    """Close the pair that was merged, and look for what the survivor shares with others now."""
    for candidate in _pair(survivor_id, absorbed_id):
        _decide(candidate, CandidateStatus.MERGED, actor=actor, at=at, reason="")
    DuplicateCandidate.objects.open().filter(Q(left=absorbed_id) | Q(right=absorbed_id)).delete()
    find_duplicates(of=[survivor_id], at=at)


def follow_undo(*, survivor_id: int, absorbed_id: int, actor: Staff | None, at: datetime) -> None:
    """Somebody decided that they are two: do not offer the pair again for the same evidence."""
    find_duplicates(of=[survivor_id, absorbed_id], at=at)
    for candidate in _pair(survivor_id, absorbed_id):
        reason = _("The merge was undone.")
        _decide(candidate, CandidateStatus.REJECTED, actor=actor, at=at, reason=reason)


def _pair(one: int, other: int) -> list[DuplicateCandidate]:
    pairs = DuplicateCandidate.objects.select_for_update()
    return list(pairs.filter(left=min(one, other), right=max(one, other)))


def _decide(
    candidate: DuplicateCandidate,
    status: CandidateStatus,
    *,
    actor: Staff | None,
    at: datetime,
    reason: str,
) -> None:
    candidate.status = status
    candidate.decided_at, candidate.decided_by = at, actor
    candidate.reason = reason[:300]
    if status == CandidateStatus.REJECTED:
        candidate.rejected_evidence = candidate.evidence
    candidate.save()
