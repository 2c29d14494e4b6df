"""Counting the metrics: a few set-based statements, one transaction, one moment."""

from datetime import date, datetime

from django.db import connection, transaction

from analytics.metrics.definitions import ARPU, BASE, BUCKETS, CHURN_RATE, RISK
from analytics.models import MetricValue
from crm.platform.jobs.models import Job, JobStatus
from crm.platform.jobs.services import start_job
from crm.platform.records import first_of_month

MONTHS = 12
# Each source is counted as it was last scored, unless that is too long before the newest score.
SCORES_COUNT_DAYS = 92
JOB = "analytics.refresh_metrics"

# Each customer's city: the unit of that level on the path of where they are kept.
_CITY = """
    city AS MATERIALIZED (
        SELECT unit.id AS org_id, city.id AS city_id
        FROM access_orgunit unit
        LEFT JOIN access_orgunit city ON city.level = 'CITY' AND starts_with(unit.path, city.path)
    )"""

# What was opened before the window counts as opened in the month before it.
_BASE_AND_CHURN = f"""
    WITH {_CITY}, line AS (
        SELECT city.city_id, s.source,
               greatest(date_trunc('month', s.opened_on)::date, %(before)s::date) AS opened,
               date_trunc('month', s.ended_on)::date AS ended
        FROM customers_subscriber s
        JOIN customers_customer c ON c.id = s.customer_id
        JOIN city ON city.org_id = c.home_org_id
        WHERE s.status <> 'PENDING' AND (s.ended_on IS NULL OR s.ended_on >= %(first)s)
    ), moved AS (
        SELECT city_id, source, opened AS month, count(*) AS came, 0::bigint AS went
        FROM line GROUP BY 1, 2, 3
        UNION ALL
        SELECT city_id, source, ended, 0, count(*) FROM line WHERE ended IS NOT NULL
        GROUP BY 1, 2, 3
    ), grid AS (
        SELECT DISTINCT city_id, source, every::date AS month
        FROM moved, generate_series(%(before)s::date, %(last)s::date, interval '1 month') AS every
    ), counted AS (
        SELECT g.city_id, g.source, g.month, coalesce(sum(m.came), 0) AS came,
               coalesce(sum(m.went), 0) AS went
        FROM grid g
        LEFT JOIN moved m ON m.city_id IS NOT DISTINCT FROM g.city_id
                         AND m.source = g.source AND m.month = g.month
        GROUP BY 1, 2, 3
    ), stood AS (
        SELECT city_id, source, month, went,
               sum(came - went) OVER (PARTITION BY city_id, source ORDER BY month) AS at_end
        FROM counted
    ), both_ends AS (
        SELECT *, lag(at_end) OVER (PARTITION BY city_id, source ORDER BY month) AS at_start
        FROM stood
    ), figure AS (
        SELECT '{BASE}' AS code, month, city_id, source, at_end AS n, 0 AS d FROM both_ends
        UNION ALL
        SELECT '{CHURN_RATE}', month, city_id, source, went, at_start + at_end FROM both_ends
    )
    INSERT INTO analytics_metricvalue
        (code, month, bucket, city_id, source, numerator, denominator, refreshed_at)
    SELECT code, month, 0, city_id, source, n, d, %(at)s FROM figure
    WHERE month >= %(first)s
"""

_ARPU = f"""
    WITH {_CITY}, billed AS (
        SELECT city.city_id, c.source, b.month, sum(b.amount_fen) AS fen
        FROM customers_bill b
        JOIN customers_customer c ON c.id = b.customer_id
        JOIN city ON city.org_id = c.home_org_id
        WHERE b.month >= %(first)s AND b.month <= %(last)s
        GROUP BY 1, 2, 3
    )
    INSERT INTO analytics_metricvalue
        (code, month, bucket, city_id, source, numerator, denominator, refreshed_at)
    SELECT '{ARPU}', coalesce(b.month, base.month), 0, coalesce(b.city_id, base.city_id),
           coalesce(b.source, base.source), coalesce(b.fen, 0), coalesce(base.denominator, 0),
           %(at)s
    FROM billed b
    FULL JOIN (SELECT * FROM analytics_metricvalue WHERE code = '{CHURN_RATE}') base
      ON base.month = b.month AND base.source = b.source
     AND coalesce(base.city_id, 0) = coalesce(b.city_id, 0)
"""

_RISK = f"""
    WITH {_CITY}, latest AS MATERIALIZED (
        SELECT c.source, max(k.as_of) AS as_of
        FROM customers_churnscore k
        JOIN customers_customer c ON c.id = k.customer_id
        WHERE k.as_of >= (SELECT max(as_of) FROM customers_churnscore) - {SCORES_COUNT_DAYS}
        GROUP BY 1
    )
    INSERT INTO analytics_metricvalue
        (code, month, bucket, city_id, source, numerator, denominator, refreshed_at)
    SELECT '{RISK}', k.as_of, least(floor(k.probability * {BUCKETS}), {BUCKETS - 1}), city.city_id,
           c.source, count(*), 0, %(at)s
    FROM customers_churnscore k
    JOIN customers_customer c ON c.id = k.customer_id
    JOIN city ON city.org_id = c.home_org_id
    JOIN latest ON latest.source = c.source AND latest.as_of = k.as_of
    GROUP BY 2, 3, 4, 5
"""


@transaction.atomic
def refresh_metrics(*, at: datetime, today: date) -> int:
    """
    Count every metric anew for the last 12 whole months before `today`; return the rows.

    Readers see the old figures until all of the new ones are there. Two at once take turns.
    """
    last = _month_before(first_of_month(today))
    first = last
    for _month in range(MONTHS - 1):
        first = _month_before(first)
    given = {"at": at, "first": first, "last": last, "before": _month_before(first)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('analytics.metrics'))")
        cursor.execute("SET LOCAL statement_timeout = 0")
        MetricValue.objects.all().delete()
        rows = 0
        for statement in (_BASE_AND_CHURN, _ARPU, _RISK):
            cursor.execute(statement, given)
            rows += cursor.rowcount
    return rows


@transaction.atomic
def count_soon(*, at: datetime) -> None:
    """Start counting in the background, unless a job that has not begun will do so anyway."""
    if not Job.objects.filter(kind=JOB, status=JobStatus.QUEUED).exists():
        start_job(kind=JOB, params={}, actor=None, at=at)


def _month_before(month: date) -> date:
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)
