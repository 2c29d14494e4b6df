"""
Status periods that do not overlap, guarded by ordinary indexes instead of an exclusion.

A period bears the end of the one before it (`previous_ends_at`, null for the first):

1. it starts no earlier than that (check), and ends after it starts (a check there was already);
2. the one before exists (foreign key), and goes with it when its end is moved (cascade);
3. no two follow the same one, so there is one first one too (unique, null equal to null);
4. no two end at the same time, and one at most is open (unique; what the foreign key refers to).

By 2 and 1 every period leads back, through earlier and earlier ends, to a first one; by 3 there
is one first and nobody branches off: one chain, each beginning after the one before has ended.
All four hold under any isolation level, whoever writes. The trigger only fills in what follows
from the rest, and fits a period between two that are there.
"""

import django.db.models.deletion
from django.db import migrations, models

_FILL = """
UPDATE customers_subscriberstatusperiod AS p SET previous_ends_at = o.previous FROM (
    SELECT id, lag(ends_at) OVER (PARTITION BY subscriber_id ORDER BY starts_at) AS previous
    FROM customers_subscriberstatusperiod
) AS o WHERE o.id = p.id AND o.previous IS NOT NULL
"""
_FOLLOW = """
ALTER TABLE customers_subscriberstatusperiod ADD CONSTRAINT statusperiod_follows_another
    FOREIGN KEY (subscriber_id, previous_ends_at)
    REFERENCES customers_subscriberstatusperiod (subscriber_id, ends_at)
    ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
CREATE FUNCTION customers_statusperiod_join_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    others_follow boolean;
BEGIN
    SELECT max(ends_at) FILTER (WHERE ends_at <= NEW.starts_at), bool_or(starts_at >= NEW.ends_at)
    INTO NEW.previous_ends_at, others_follow
    FROM customers_subscriberstatusperiod WHERE subscriber_id = NEW.subscriber_id;
    IF others_follow THEN
        UPDATE customers_subscriberstatusperiod SET previous_ends_at = NEW.ends_at
        WHERE subscriber_id = NEW.subscriber_id AND starts_at >= NEW.ends_at
            AND previous_ends_at IS NOT DISTINCT FROM NEW.previous_ends_at;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER statusperiod_join_chain BEFORE INSERT ON customers_subscriberstatusperiod
    FOR EACH ROW EXECUTE FUNCTION customers_statusperiod_join_chain();
"""
_LEAVE = """
DROP TRIGGER statusperiod_join_chain ON customers_subscriberstatusperiod;
DROP FUNCTION customers_statusperiod_join_chain;
ALTER TABLE customers_subscriberstatusperiod DROP CONSTRAINT statusperiod_follows_another;
"""


class Migration(migrations.Migration):
    dependencies = [("customers", "0004_payment_key_begins_with_the_number")]

    operations = [
        migrations.AddField(
            model_name="subscriberstatusperiod",
            name="previous_ends_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RemoveConstraint(
            model_name="subscriberstatusperiod", name="statusperiod_do_not_overlap"
        ),
        migrations.RunSQL(_FILL, reverse_sql=migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="subscriberstatusperiod",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("previous_ends_at", None),
                    ("previous_ends_at__lte", models.F("starts_at")),
                    _connector="OR",
                ),
                name="statusperiod_do_not_overlap_the_previous",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscriberstatusperiod",
            constraint=models.UniqueConstraint(
                fields=("subscriber", "previous_ends_at"),
                name="statusperiod_do_not_overlap",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="subscriberstatusperiod",
            constraint=models.UniqueConstraint(
                fields=("subscriber", "ends_at"),
                name="statusperiod_ends_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AlterField(
            model_name="subscriberstatusperiod",
            name="subscriber",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="status_periods",
                to="customers.subscriber",
            ),
        ),
        migrations.RunSQL(_FOLLOW, reverse_sql=_LEAVE),
    ]
