from django.db import migrations


class Migration(migrations.Migration):
    """
    Every reach is a join with this small table. Unanalysed, which autovacuum leaves tables of
    under fifty changes, it passes for one unit, and a list by name for a handful of rows to sort.
    """

    dependencies = [("access", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE access_orgunit SET (autovacuum_analyze_threshold = 1,"
            " autovacuum_analyze_scale_factor = 0.02)",
            "ALTER TABLE access_orgunit RESET (autovacuum_analyze_threshold,"
            " autovacuum_analyze_scale_factor)",
        ),
    ]
