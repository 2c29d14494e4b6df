"""
One index of payments fewer: the primary key turned round finds a payment by its number, which
nobody did by the time it begins with.
"""

from django.db import migrations

_KEY = "ALTER TABLE customers_payment DROP CONSTRAINT customers_payment_pkey, ADD PRIMARY KEY ({})"


class Migration(migrations.Migration):
    dependencies = [("customers", "0003_feeds_look_up")]

    operations = [
        migrations.RunSQL(
            _KEY.format("number, paid_at"), reverse_sql=_KEY.format("paid_at, number")
        ),
        migrations.RemoveIndex(model_name="payment", name="payment_by_number"),
    ]
