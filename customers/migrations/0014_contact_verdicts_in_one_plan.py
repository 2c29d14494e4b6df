"""
The same rule as a set-returning function, which PostgreSQL plans as part of the question: ten
thousand verdicts took 2 s by a function that was called for each of them.
"""

from django.db import migrations

FORWARDS = """
-- One row: whether a party may be contacted at a moment, 'allowed' or the first rule that forbids
-- it; and, for who wants to say when again, the window that was asked for.
CREATE FUNCTION customers_contactability(
    asked_party bigint, asked_purpose text, asked_channel text,
    asked_at timestamptz, clock text
) RETURNS TABLE (verdict text, window_starts time, window_ends time, window_days smallint[])
LANGUAGE sql STABLE AS $$
    SELECT CASE
            WHEN asked_channel <> '' AND wish.do_not_contact <> '' THEN 'do_not_contact'
            WHEN decision.state IS NULL THEN 'no_consent'
            WHEN decision.state = 'WITHDRAWN' THEN 'withdrawn'
            WHEN decision.expires_at <= asked_at THEN 'expired'
            WHEN asked_channel <> '' AND (
                NOT extract(isodow FROM asked_at AT TIME ZONE clock) = ANY (wish.window_days)
                OR (asked_at AT TIME ZONE clock)::time < wish.window_starts
                OR (asked_at AT TIME ZONE clock)::time >= wish.window_ends
            ) THEN 'outside_window'
            ELSE 'allowed'
        END,
        wish.window_starts, wish.window_ends, wish.window_days
    FROM (SELECT) AS nothing
    -- What holds: the last decision, of the channel or of every channel. The ledger is read as
    -- it stands, not as of asked_at: a withdrawal that has committed counts, however much the
    -- clocks of two machines differ.
    LEFT JOIN LATERAL (
        SELECT * FROM (
            (SELECT decided_at, id, state, expires_at FROM customers_consent
             WHERE party_id = asked_party AND purpose = asked_purpose AND channel = asked_channel
             ORDER BY decided_at DESC, id DESC LIMIT 1)
            UNION ALL
            (SELECT decided_at, id, state, expires_at FROM customers_consent
             WHERE party_id = asked_party AND purpose = asked_purpose AND channel = ''
             ORDER BY decided_at DESC, id DESC LIMIT 1)
        ) AS last ORDER BY decided_at DESC, id DESC LIMIT 1
    ) AS decision ON true
    LEFT JOIN LATERAL (
        SELECT * FROM customers_contactpreference
        WHERE party_id = asked_party ORDER BY id DESC LIMIT 1
    ) AS wish ON true
$$;

CREATE OR REPLACE FUNCTION customers_contact_verdict(
    asked_party bigint, asked_purpose text, asked_channel text,
    asked_at timestamptz, clock text
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT verdict
    FROM customers_contactability(asked_party, asked_purpose, asked_channel, asked_at, clock)
$$;
DROP FUNCTION customers_consent_id(bigint, text, text);
"""

BACKWARDS = """
CREATE FUNCTION customers_consent_id(asked_party bigint, asked_purpose text, asked_channel text)
RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT id FROM (
        (SELECT decided_at, id FROM customers_consent
         WHERE party_id = asked_party AND purpose = asked_purpose AND channel = asked_channel
         ORDER BY decided_at DESC, id DESC LIMIT 1)
        UNION ALL
        (SELECT decided_at, id FROM customers_consent
         WHERE party_id = asked_party AND purpose = asked_purpose AND channel = ''
         ORDER BY decided_at DESC, id DESC LIMIT 1)
    ) AS last ORDER BY decided_at DESC, id DESC LIMIT 1
$$;
CREATE OR REPLACE FUNCTION customers_contact_verdict(
    asked_party bigint, asked_purpose text, asked_channel text,
    asked_at timestamptz, clock text
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN asked_channel <> '' AND wish.do_not_contact <> '' THEN 'do_not_contact'
        WHEN decision.state IS NULL THEN 'no_consent'
        WHEN decision.state = 'WITHDRAWN' THEN 'withdrawn'
        WHEN decision.expires_at <= asked_at THEN 'expired'
        WHEN asked_channel <> '' AND (
            NOT extract(isodow FROM asked_at AT TIME ZONE clock) = ANY (wish.window_days)
            OR (asked_at AT TIME ZONE clock)::time < wish.window_starts
            OR (asked_at AT TIME ZONE clock)::time >= wish.window_ends
        ) THEN 'outside_window'
        ELSE 'allowed'
    END
    FROM (SELECT) AS nothing
    LEFT JOIN customers_consent AS decision
        ON decision.id = customers_consent_id(asked_party, asked_purpose, asked_channel)
    LEFT JOIN LATERAL (
        SELECT * FROM customers_contactpreference
        WHERE party_id = asked_party ORDER BY id DESC LIMIT 1
    ) AS wish ON true
$$;
DROP FUNCTION customers_contactability(bigint, text, text, timestamptz, text);
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0013_documents_by_validity")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
