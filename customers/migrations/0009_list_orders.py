from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The orders of the lists. Nobody waits while they are made."""

    atomic = False
    dependencies = [("customers", "0008_lists")]
    operations = [
        AddIndexConcurrently(model_name='billingaccount', index=models.Index(fields=['balance_fen', 'id'], name='billingaccount_by_balance')),
        AddIndexConcurrently(model_name='customer', index=models.Index(fields=['opened_on', 'id'], name='customer_by_opening')),
        AddIndexConcurrently(model_name='party', index=models.Index(fields=['sort_key', 'id'], name='party_by_name')),
        AddIndexConcurrently(model_name='subscriber', index=models.Index(fields=['opened_on', 'id'], name='subscriber_by_opening')),
    ]
