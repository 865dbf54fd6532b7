"""manage.py create_api_key: a key for a program, whose secret is printed this once."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from monitor.keys import end_of, named, scopes_of
from monitor.models import ApiKey
from records.commands import DatabaseCommand


class Command(DatabaseCommand):
    help = "Create a key for the API. Its secret is the last line printed, and is kept nowhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="who or what uses it")
        parser.add_argument("--scopes", required=True, help="read, write or read,write")
        parser.add_argument(
            "--expires", metavar="WHEN", help="12h, 90d, 2w or a date (default: never)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = new_key(options["name"], options["scopes"], options["expires"], timezone.now())
        except ValueError as fault:
            raise CommandError(str(fault)) from fault
        secret = key.give_secret()
        key.save()
        end = "without end"
        if key.expires_at:
            end = f"until {timezone.localtime(key.expires_at):%Y-%m-%d %H:%M:%S %Z}"
        self.stdout.write(f"The key {key.name} may {' and '.join(key.scopes)}, {end}.")
        self.stdout.write("Keep its secret, which is not shown again; programs send it as")
        self.stdout.write("Authorization: Bearer SECRET")
        self.stdout.write(secret)


def new_key(name: str, scopes: str, expires: str | None, now: datetime) -> ApiKey:
    end = None if expires is None else end_of(expires, now)
    key = ApiKey(name=named(name), created_at=now, expires_at=end)
    key.grant(scopes_of(scopes))
    return key
