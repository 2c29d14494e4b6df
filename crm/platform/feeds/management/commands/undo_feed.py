import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.platform.errors import DomainError
from crm.platform.feeds.models import Batch
from crm.platform.feeds.undo import undo_batch


class Command(BaseCommand):
    help = "Take back what a batch did: BATCH is its number. Answers with one JSON line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("batch")

    def handle(self, *_args: Any, **options: Any) -> None:
        batch = Batch.objects.filter(number=options["batch"]).first()
        if batch is None:
            raise CommandError(_("There is no batch %(number)s.") % {"number": options["batch"]})
        try:
            batch = undo_batch(batch_id=batch.pk, actor=None, at=timezone.now())
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            json.dumps(
                {
                    "batch": batch.number,
                    "removed": batch.removed,
                    "restored": batch.restored,
                    "kept_because_changed": batch.kept_because_changed,
                }
            )
        )
