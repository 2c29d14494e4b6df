"""
What a contact says of itself in every channel, which ones are in somebody's hands, and notes.

A note keeps its author and time for ever; its words change only together with `edited_at`, which a
check holds within a quarter of an hour of the writing. The function is that of 0007.
"""

import datetime
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

_STAY = """
CREATE TRIGGER note_stays BEFORE UPDATE ON customers_note FOR EACH ROW
    WHEN (OLD.author_id <> NEW.author_id OR OLD.written_at <> NEW.written_at
        OR OLD.text <> NEW.text AND NEW.edited_at IS NOT DISTINCT FROM OLD.edited_at)
    EXECUTE FUNCTION customers_append_only();
CREATE TRIGGER note_not_deleted BEFORE DELETE ON customers_note FOR EACH ROW
    EXECUTE FUNCTION customers_append_only();
CREATE TRIGGER note_not_truncated BEFORE TRUNCATE ON customers_note
    EXECUTE FUNCTION customers_append_only();
"""
_LEAVE = """
DROP TRIGGER note_not_truncated ON customers_note;
DROP TRIGGER note_not_deleted ON customers_note;
DROP TRIGGER note_stays ON customers_note;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0010_merging'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DeskContact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('interaction_id', models.UUIDField(unique=True)),
                ('started_at', models.DateTimeField()),
                ('channel', models.CharField(choices=[('COUNTER', 'Counter'), ('CALL', 'Call'), ('IVR', 'Voice menu'), ('SMS', 'SMS'), ('EMAIL', 'E-mail'), ('FAX', 'Fax'), ('WEB', 'Web'), ('APP', 'App'), ('WECHAT', 'WeChat'), ('KIOSK', 'Kiosk'), ('VISIT', 'Visit')], max_length=7)),
                ('auth_method', models.CharField(choices=[('NONE', 'Not identified'), ('ASKED', 'Asked'), ('SMS_CODE', 'SMS code'), ('SERVICE_PASSWORD', 'Service password'), ('DOCUMENT', 'Document seen'), ('FACE', 'Face'), ('CARD_READER', 'Card reader')], default='NONE', max_length=16)),
                ('parked_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='InteractionLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('interaction_id', models.UUIDField()),
                ('object_type', models.CharField(max_length=60)),
                ('object_id', models.CharField(db_collation='C', max_length=40)),
                ('linked_at', models.DateTimeField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Mention',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seen_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Note',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=2000)),
                ('written_at', models.DateTimeField()),
                ('edited_at', models.DateTimeField(blank=True, null=True)),
                ('interaction_id', models.UUIDField(blank=True, null=True)),
            ],
            options={
                'default_permissions': ('view', 'add'),
            },
        ),
        migrations.AlterModelOptions(
            name='interaction',
            options={'permissions': [('serve_customer', 'Can open contacts with customers'), ('record_interaction', 'Can record contacts that happened elsewhere')]},
        ),
        migrations.RemoveConstraint(
            model_name='interaction',
            name='interaction_channel_known',
        ),
        migrations.AddField(
            model_name='interaction',
            name='auth_method',
            field=models.CharField(choices=[('NONE', 'Not identified'), ('ASKED', 'Asked'), ('SMS_CODE', 'SMS code'), ('SERVICE_PASSWORD', 'Service password'), ('DOCUMENT', 'Document seen'), ('FACE', 'Face'), ('CARD_READER', 'Card reader')], db_default='NONE', default='NONE', max_length=16),
        ),
        migrations.AddField(
            model_name='interaction',
            name='authenticated_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='interaction',
            name='ended_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='interaction',
            name='recording',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='interaction',
            name='state',
            field=models.CharField(choices=[('OPEN', 'Open'), ('CLOSED', 'Finished')], db_default='CLOSED', default='CLOSED', max_length=6),
        ),
        migrations.AlterField(
            model_name='interaction',
            name='channel',
            field=models.CharField(choices=[('COUNTER', 'Counter'), ('CALL', 'Call'), ('IVR', 'Voice menu'), ('SMS', 'SMS'), ('EMAIL', 'E-mail'), ('FAX', 'Fax'), ('WEB', 'Web'), ('APP', 'App'), ('WECHAT', 'WeChat'), ('KIOSK', 'Kiosk'), ('VISIT', 'Visit')], max_length=7),
        ),
        migrations.AddConstraint(
            model_name='interaction',
            constraint=models.CheckConstraint(condition=models.Q(('channel__in', ['COUNTER', 'CALL', 'IVR', 'SMS', 'EMAIL', 'FAX', 'WEB', 'APP', 'WECHAT', 'KIOSK', 'VISIT'])), name='interaction_channel_known'),
        ),
        migrations.AddConstraint(
            model_name='interaction',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'CLOSED'), models.Q(('ended_at', None), ('staff_id__isnull', False), ('state', 'OPEN')), _connector='OR'), name='interaction_open_is_in_somebodys_hands_and_has_no_end'),
        ),
        migrations.AddConstraint(
            model_name='interaction',
            constraint=models.CheckConstraint(condition=models.Q(('ended_at', None), ('ended_at__gte', models.F('started_at')), _connector='OR'), name='interaction_ends_after_it_started'),
        ),
        migrations.AddConstraint(
            model_name='interaction',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('auth_method', 'NONE'), ('authenticated_at', None)), models.Q(models.Q(('auth_method', 'NONE'), _negated=True), ('authenticated_at__isnull', False)), _connector='OR'), name='interaction_authenticated_iff_method'),
        ),
        migrations.AddConstraint(
            model_name='interaction',
            constraint=models.CheckConstraint(condition=models.Q(('auth_method__in', ['NONE', 'ASKED', 'SMS_CODE', 'SERVICE_PASSWORD', 'DOCUMENT', 'FACE', 'CARD_READER'])), name='interaction_auth_method_known'),
        ),
        migrations.AddField(
            model_name='deskcontact',
            name='customer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='desk_contacts', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='deskcontact',
            name='staff',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='desk_contacts', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='interactionlink',
            index=models.Index(fields=['object_type', 'object_id'], name='interactionlink_of_object'),
        ),
        migrations.AddConstraint(
            model_name='interactionlink',
            constraint=models.UniqueConstraint(fields=('interaction_id', 'object_type', 'object_id'), name='interactionlink_once'),
        ),
        migrations.AddField(
            model_name='mention',
            name='staff',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='mentions', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='note',
            name='author',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='note',
            name='customer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='customers.customer'),
        ),
        migrations.AddField(
            model_name='mention',
            name='note',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mentions', to='customers.note'),
        ),
        migrations.AddConstraint(
            model_name='deskcontact',
            constraint=models.UniqueConstraint(condition=models.Q(('parked_at', None)), fields=('staff',), name='deskcontact_one_in_hand'),
        ),
        migrations.AddConstraint(
            model_name='deskcontact',
            constraint=models.CheckConstraint(condition=models.Q(('parked_at', None), ('parked_at__gte', models.F('started_at')), _connector='OR'), name='deskcontact_parked_after_it_started'),
        ),
        migrations.AddIndex(
            model_name='note',
            index=models.Index(fields=['customer', '-written_at', '-id'], name='note_of_customer'),
        ),
        migrations.AddConstraint(
            model_name='note',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='note_says_something'),
        ),
        migrations.AddConstraint(
            model_name='note',
            constraint=models.CheckConstraint(condition=models.Q(('edited_at', None), models.Q(('edited_at__gte', models.F('written_at')), ('edited_at__lte', django.db.models.expressions.CombinedExpression(models.F('written_at'), '+', models.Value(datetime.timedelta(seconds=900))))), _connector='OR'), name='note_edited_soon_after_it_was_written'),
        ),
        migrations.AddIndex(
            model_name='mention',
            index=models.Index(condition=models.Q(('seen_at', None)), fields=['staff', '-id'], name='mention_unseen'),
        ),
        migrations.AddConstraint(
            model_name='mention',
            constraint=models.UniqueConstraint(fields=('note', 'staff'), name='mention_once'),
        ),
        migrations.RunSQL(_STAY, _LEAVE),
    ]
