"""
The joins behind the features: each block brings one alias, a row per subscriber, account or
customer of the range of customers that is being read.
"""

_RANGE = "customer_id >= %(first_customer)s AND {}customer_id < %(end_customer)s"


def _range(alias: str = "") -> str:
    return alias + _RANGE.format(alias)


def _usage_columns() -> str:
    """Sums over one scan; the outer query takes only those that a feature names."""
    scale = {
        "voice": "voice_out_seconds / 60.0::float4",
        "data": "data_kb / 1048576.0::float4",
        "sms": "sms_count::float4",
        "calls_in": "voice_in_seconds / 60.0::float4",
        "roaming": "roaming_kb / 1048576.0::float4",
        "dropped": "dropped_calls::float4",
    }
    columns = []
    for name, value in scale.items():
        columns += [
            f"sum({value}) FILTER (WHERE month = %(m1)s) AS {name}1",
            f"avg({value}) FILTER (WHERE month >= %(m3)s) AS {name}_mean3",
            f"avg({value}) FILTER (WHERE month < %(m3)s) AS {name}_before3",
            f"avg({value}) FILTER (WHERE month >= %(m4)s AND month < %(m1)s) AS {name}_3before1",
            f"avg({value}) AS {name}_mean6",
        ]
    return ",\n    ".join(columns)


_TERMS = """
CROSS JOIN LATERAL (
  SELECT s.plan_code, s.monthly_fee_fen, s.contract_ends_on
) terms"""

# The account that pays everything not covered more narrowly, where it is the customer's own.
_ACCOUNT = f"""
LEFT JOIN (
  SELECT DISTINCT ON (r.subscriber_id) r.subscriber_id, own.*
  FROM customers_billingaccount own
  JOIN customers_payrelation r ON r.account_id = own.id
  JOIN customers_subscriber payer ON payer.id = r.subscriber_id
    AND payer.customer_id = own.customer_id
  WHERE {_range("own.")} AND r.charge_item = ''
    AND r.starts_at < %(until)s AND (r.ends_at IS NULL OR r.ends_at >= %(until)s)
  ORDER BY r.subscriber_id, r.priority
) a ON a.subscriber_id = s.id"""

_BILLS = f"""
LEFT JOIN (
  SELECT account_id,
    sum(amount_fen) FILTER (WHERE month = %(m1)s)::float4 AS m1,
    sum(amount_fen) FILTER (WHERE month = %(m2)s)::float4 AS m2,
    sum(amount_fen) FILTER (WHERE month = %(m3)s)::float4 AS m3,
    sum(amount_fen) FILTER (WHERE month >= %(m3)s)::float4
      / nullif(count(*) FILTER (WHERE month >= %(m3)s), 0) AS mean3,
    sum(amount_fen) FILTER (WHERE month >= %(m4)s AND month < %(m1)s)::float4
      / nullif(count(*) FILTER (WHERE month >= %(m4)s AND month < %(m1)s), 0)
      AS before3,
    sum(amount_fen)::float4 / count(*) AS mean6,
    regr_slope(amount_fen, (month - %(m6)s::date) / 30.4375) AS slope6,
    sum(amount_fen)::float4 AS billed,
    coalesce(sum(amount_fen) FILTER (WHERE due_on <= %(as_of)s::date), 0)::float4 AS due
  FROM customers_bill
  WHERE month >= %(m6)s AND month <= %(m1)s AND {_range()}
  GROUP BY account_id
) bills ON bills.account_id = a.id"""

_PAID = f"""
LEFT JOIN (
  SELECT account_id, sum(amount_fen)::float4 AS total,
    (max(paid_at) FILTER (WHERE amount_fen > 0) AT TIME ZONE %(zone)s)::date AS latest
  FROM customers_payment
  WHERE paid_at >= %(paid_from)s AND paid_at < %(until)s AND {_range()}
  GROUP BY account_id
) paid ON paid.account_id = a.id"""

# A payment counts for the bill of the month before it: joined by equality, not by a range.
_LATE = f"""
LEFT JOIN (
  SELECT b.account_id, count(*) FILTER (WHERE b.due_on < p.paid_on) AS times
  FROM customers_bill b
  LEFT JOIN (
    SELECT account_id, local::date AS paid_on,
      (date_trunc('month', local) - interval '1 month')::date AS month
    FROM customers_payment
    CROSS JOIN LATERAL (SELECT paid_at AT TIME ZONE %(zone)s AS local) clock
    WHERE paid_at >= %(paid_from)s AND paid_at < %(until)s AND amount_fen > 0 AND {_range()}
  ) p ON p.account_id = b.account_id AND p.month = b.month
  WHERE b.month >= %(m6)s AND b.month <= %(m1)s AND {_range("b.")}
  GROUP BY b.account_id
) late ON late.account_id = a.id"""

_STOPS = f"""
LEFT JOIN (
  SELECT stop.subscriber_id,
    max((active AND by_arrears)::int) AS arrears,
    max((active AND NOT by_arrears)::int) AS other,
    count(*) FILTER (WHERE stop.raised_at >= %(m6)s::timestamptz) AS raised
  FROM customers_servicestop stop
  JOIN customers_subscriber stopped ON stopped.id = stop.subscriber_id
  CROSS JOIN LATERAL (
    SELECT stop.cleared_at IS NULL OR stop.cleared_at >= %(until)s AS active,
      stop.reason IN ('ARREARS_OUT', 'ARREARS_FULL') AS by_arrears
  ) state
  WHERE {_range("stopped.")} AND stop.raised_at < %(until)s
  GROUP BY stop.subscriber_id
) stops ON stops.subscriber_id = s.id"""

# What the customer came with. What we sent out (care, marketing) is our act, not a sign.
_CONTACTS = f"""
LEFT JOIN (
  SELECT customer_id,
    count(*) FILTER (WHERE purpose = 'COMPLAINT' AND recent) AS complaints30,
    count(*) FILTER (WHERE purpose = 'COMPLAINT' AND quarter) AS complaints90,
    count(*) FILTER (WHERE purpose = 'FAULT' AND recent) AS faults30,
    count(*) FILTER (WHERE purpose = 'FAULT' AND quarter) AS faults90,
    count(*) FILTER (WHERE recent) AS all30,
    count(*) FILTER (WHERE quarter) AS all90,
    (max(started_at) FILTER (WHERE purpose = 'COMPLAINT') AT TIME ZONE %(zone)s)::date
      AS complained_on
  FROM customers_interaction
  CROSS JOIN LATERAL (
    SELECT started_at >= %(until)s - interval '30 days' AS recent,
      started_at >= %(until)s - interval '90 days' AS quarter
  ) age
  WHERE direction = 'IN' AND started_at < %(until)s
    AND started_at >= %(until)s - interval '180 days' AND {_range()}
  GROUP BY customer_id
) contacts ON contacts.customer_id = s.customer_id"""

_LINES = f"""
LEFT JOIN (
  SELECT customer_id, count(*) AS live
  FROM customers_subscriber
  WHERE opened_on <= %(as_of)s::date AND (ended_on IS NULL OR ended_on > %(as_of)s::date)
    AND {_range()}
  GROUP BY customer_id
) lines ON lines.customer_id = s.customer_id"""

_USAGE = f"""
LEFT JOIN (
  SELECT subscriber_id,
    {_usage_columns()}
  FROM customers_monthlyusage
  WHERE month >= %(m6)s AND month <= %(m1)s AND {_range()}
  GROUP BY subscriber_id
) usage ON usage.subscriber_id = s.id"""

# In the order in which they are joined: `account` comes before those that hang on it.
BLOCKS = {
    "terms": _TERMS,
    "account": _ACCOUNT,
    "bills": _BILLS,
    "paid": _PAID,
    "late": _LATE,
    "usage": _USAGE,
    "stops": _STOPS,
    "contacts": _CONTACTS,
    "lines": _LINES,
}
REQUIRES = {"bills": ["account"], "paid": ["account"], "late": ["account"]}
