"""Register a system that may call REST. Its secret is printed once and kept as a hash."""

import json
import secrets
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.core.management.base import CommandParser

from crm.platform.api.services import register_system_client


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("client_id")
        parser.add_argument("--name", required=True)
        parser.add_argument("--scope", action="append", required=True, dest="scopes")
        parser.add_argument("--permission", action="append", default=[], dest="permissions")
        parser.add_argument("--role", action="append", default=[], dest="roles")

    def handle(self, *_args: Any, **given: Any) -> None:
        secret = secrets.token_urlsafe(48)
        try:
            client = register_system_client(
                name=given["name"],
                client_id=given["client_id"],
                client_secret=secret,
                scopes=given["scopes"],
                permissions=given["permissions"],
                roles=given["roles"],
            )
        except ValueError as error:
            raise CommandError(str(error)) from error
        answer = {
            "client_id": given["client_id"],
            "client_secret": secret,
            "account": client.account.staff_code,
            "scopes": client.scopes,
        }
        self.stdout.write(json.dumps(answer))
