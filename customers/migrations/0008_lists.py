import crm.platform.records
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0001_initial'),
        ('customers', '0007_consents_stay'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BulkChange',
            fields=[
                ('id', models.UUIDField(default=crm.platform.records.uuid7, editable=False, primary_key=True, serialize=False)),
                ('action', models.CharField(choices=[('ASSIGN_MANAGER', 'Assign an account manager'), ('CHANGE_CATEGORY', 'Change the category'), ('ADD_TAG', 'Add a tag'), ('REMOVE_TAG', 'Remove a tag')], max_length=15)),
                ('value', models.CharField(blank=True, max_length=40)),
                ('conditions', models.JSONField(default=list)),
                ('reason', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField()),
                ('chosen_at', models.DateTimeField(blank=True, null=True)),
                ('job_id', models.UUIDField(blank=True, null=True)),
                ('undo_job_id', models.UUIDField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='BulkItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('customer_id', models.BigIntegerField()),
                ('outcome', models.CharField(choices=[('CHOSEN', 'Not done yet'), ('CHANGED', 'Changed'), ('UNCHANGED', 'Was so already'), ('REFUSED', 'Could not be changed'), ('UNDONE', 'Undone'), ('KEPT', 'Changed since, so kept')], default='CHOSEN', max_length=9)),
                ('before', models.CharField(blank=True, max_length=40)),
                ('reason', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='CustomerTag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name='DefaultView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('customers', 'Customers'), ('subscribers', 'Subscribers'), ('accounts', 'Accounts')], max_length=11)),
            ],
        ),
        migrations.CreateModel(
            name='ListExport',
            fields=[
                ('id', models.UUIDField(default=crm.platform.records.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('customers', 'Customers'), ('subscribers', 'Subscribers'), ('accounts', 'Accounts')], max_length=11)),
                ('conditions', models.JSONField(default=list)),
                ('columns', models.JSONField(default=list)),
                ('order', models.CharField(blank=True, max_length=30)),
                ('reason', models.CharField(max_length=300)),
                ('rows', models.PositiveIntegerField(blank=True, null=True)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('job_id', models.UUIDField(blank=True, null=True)),
            ],
            options={
                'permissions': [('export_list', 'Can export lists of customers, masked')],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('kind', models.CharField(choices=[('customers', 'Customers'), ('subscribers', 'Subscribers'), ('accounts', 'Accounts')], max_length=11)),
                ('name', models.CharField(max_length=60)),
                ('conditions', models.JSONField(default=list)),
                ('columns', models.JSONField(default=list)),
                ('order', models.CharField(blank=True, max_length=30)),
            ],
            options={
                'ordering': ['name', 'id'],
                'permissions': [('share_view', 'Can share saved views of lists')],
            },
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('name', models.CharField(db_collation='C', max_length=40, unique=True)),
            ],
            options={
                'ordering': ['name'],
                'permissions': [('tag_customer', 'Can put tags on customers and take them off')],
            },
        ),
        migrations.AlterModelOptions(
            name='customer',
            options={'permissions': [('search_customer', 'Can find a customer by an exact number'), ('search_customer_by_name', 'Can find customers by part of a name'), ('list_customer', 'Can list customers, lines and accounts'), ('assign_manager', 'Can assign customers to an account manager'), ('change_category', 'Can change the category of customers'), ('unmask_contact', 'Can see a name, phone or address in full, for a reason')]},
        ),
        migrations.AddField(
            model_name='bulkchange',
            name='staff',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='bulkitem',
            name='bulk',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='customers.bulkchange'),
        ),
        migrations.AddField(
            model_name='customertag',
            name='customer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='customertag',
            name='put_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='defaultview',
            name='staff',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='listexport',
            name='staff',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='savedview',
            name='org',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='access.orgunit'),
        ),
        migrations.AddField(
            model_name='savedview',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='savedview',
            name='role',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='access.role'),
        ),
        migrations.AddField(
            model_name='defaultview',
            name='view',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='customers.savedview'),
        ),
        migrations.AddConstraint(
            model_name='tag',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='tag_has_a_name'),
        ),
        migrations.AddField(
            model_name='customertag',
            name='tag',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='customers.tag'),
        ),
        migrations.AddConstraint(
            model_name='bulkchange',
            constraint=models.CheckConstraint(condition=models.Q(('action__in', ['ASSIGN_MANAGER', 'CHANGE_CATEGORY', 'ADD_TAG', 'REMOVE_TAG'])), name='bulkchange_action_known'),
        ),
        migrations.AddIndex(
            model_name='bulkitem',
            index=models.Index(fields=['bulk', 'outcome', 'customer_id'], name='bulkitem_outcome'),
        ),
        migrations.AddConstraint(
            model_name='bulkitem',
            constraint=models.UniqueConstraint(fields=('bulk', 'customer_id'), name='bulkitem_once'),
        ),
        migrations.AddConstraint(
            model_name='bulkitem',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['CHOSEN', 'CHANGED', 'UNCHANGED', 'REFUSED', 'UNDONE', 'KEPT'])), name='bulkitem_outcome_known'),
        ),
        migrations.AddConstraint(
            model_name='bulkitem',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'REFUSED'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='bulkitem_refused_has_a_reason'),
        ),
        migrations.AddIndex(
            model_name='listexport',
            index=models.Index(fields=['expires_at'], name='listexport_expires'),
        ),
        migrations.AddConstraint(
            model_name='listexport',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['customers', 'subscribers', 'accounts'])), name='listexport_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='listexport',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='listexport_has_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['customers', 'subscribers', 'accounts'])), name='savedview_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='savedview_has_a_name'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.CheckConstraint(condition=models.Q(('org', None), ('role', None), _connector='OR'), name='savedview_shared_one_way'),
        ),
        migrations.AddConstraint(
            model_name='savedview',
            constraint=models.UniqueConstraint(fields=('owner', 'kind', 'name'), name='savedview_name_once_per_owner'),
        ),
        migrations.AddConstraint(
            model_name='defaultview',
            constraint=models.UniqueConstraint(fields=('staff', 'kind'), name='defaultview_one_per_list'),
        ),
        migrations.AddConstraint(
            model_name='customertag',
            constraint=models.UniqueConstraint(fields=('customer', 'tag'), name='customertag_once'),
        ),
    ]
