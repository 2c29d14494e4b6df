"""
What a customer decided stays as it was written, whoever asks; and one answer, in the database,
to whether a party may be contacted, which pages, REST and senders share.

TRUNCATE needs crm.may_truncate = on: tests empty their own database that way. DELETE needs
crm.may_remove_demo = on, by which an interrupted demo operator is taken away again.
"""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION customers_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND current_setting('crm.may_truncate', true) = 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'DELETE' AND current_setting('crm.may_remove_demo', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER consent_append_only BEFORE UPDATE OR DELETE ON customers_consent
    FOR EACH ROW EXECUTE FUNCTION customers_append_only();
CREATE TRIGGER consent_not_truncated BEFORE TRUNCATE ON customers_consent
    EXECUTE FUNCTION customers_append_only();
CREATE TRIGGER contactpreference_append_only BEFORE UPDATE OR DELETE
    ON customers_contactpreference
    FOR EACH ROW EXECUTE FUNCTION customers_append_only();
CREATE TRIGGER contactpreference_not_truncated BEFORE TRUNCATE ON customers_contactpreference
    EXECUTE FUNCTION customers_append_only();

-- What holds for a purpose and a channel: the last decision, of the channel or of every channel.
-- The ledger is read as it stands, not as of asked_at: a withdrawal that has committed counts,
-- however much the clocks of two machines differ. NULL if the party never decided.
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

-- Whether a party may be contacted at a moment: 'allowed', or the first rule that forbids it.
-- The window is by the clock of the time zone given. Purposes without channels (asked_channel
-- '') contact nobody, so the preferences do not matter to them.
CREATE FUNCTION customers_contact_verdict(
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
"""

BACKWARDS = """
DROP FUNCTION customers_contact_verdict(bigint, text, text, timestamptz, text);
DROP FUNCTION customers_consent_id(bigint, text, text);
DROP TRIGGER contactpreference_not_truncated ON customers_contactpreference;
DROP TRIGGER contactpreference_append_only ON customers_contactpreference;
DROP TRIGGER consent_not_truncated ON customers_consent;
DROP TRIGGER consent_append_only ON customers_consent;
DROP FUNCTION customers_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0006_consents")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
