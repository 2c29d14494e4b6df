"""
Access records cannot be changed, whoever asks. A month leaves by dropping its partition.

TRUNCATE is refused, too, unless the session says crm.may_truncate = on: tests empty the
tables of their own database that way.
"""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND current_setting('crm.may_truncate', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'access records are append-only: % refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER access_append_only BEFORE UPDATE OR DELETE ON audit_accessrecord
    FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER access_not_truncated BEFORE TRUNCATE ON audit_accessrecord
    EXECUTE FUNCTION audit_append_only();
"""

BACKWARDS = """
DROP TRIGGER access_not_truncated ON audit_accessrecord;
DROP TRIGGER access_append_only ON audit_accessrecord;
DROP FUNCTION audit_append_only() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
