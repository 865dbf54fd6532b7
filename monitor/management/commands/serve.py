"""manage.py serve: the whole site in one process, set up on the way."""

import hashlib
import ipaddress
import logging
import os
import secrets
import socket
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from django.apps import AppConfig, apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, IntegrityError, connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django.utils.autoreload import run_with_reloader

from costs import ledger
from monitor.checks import LOCAL_HOSTS
from monitor.guard import USES
from monitor.stream import Broadcaster
from records.cures import refuse_newer, refuse_readonly, told
from tasks.stale import Patience, fail_stale

PATIENCE = 5
"""Seconds that a request waits for another writer; then it is answered with 503."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chore:
    """What is done again and again beside the serving of pages."""

    deed: str
    every: float  # seconds
    do: Callable[[], object]


class Server(uvicorn.Server):
    """uvicorn with a thread beside it that keeps house, ended with the server."""

    def __init__(self, config: uvicorn.Config, broadcaster: Broadcaster | None = None) -> None:
        super().__init__(config)
        self.broadcaster = Broadcaster() if broadcaster is None else broadcaster
        self.ended = threading.Event()
        self.began = timezone.now()
        chores = [
            Chore("fail stale tasks", 60, self.fail_stale),
            Chore("note the use of keys", 60, USES.write_down),
            Chore("seal the ledger", 300, ledger.seal),
        ]
        threading.Thread(target=self.keep_house, args=chores, name="house", daemon=True).start()

    def fail_stale(self) -> None:
        """What agents could not report while nobody listened is no silence of theirs."""
        fail_stale(timezone.now(), Patience(listening_since=self.began))

    def keep_house(self, *chores: Chore) -> None:
        """Do each chore when it is due; the next time tries anew what failed."""
        due = dict.fromkeys(chores, 0.0)
        while not self.ended.wait(min(due.values()) - time.monotonic()):
            for chore in chores:
                if due[chore] <= time.monotonic():
                    attempt(chore)
                    due[chore] = time.monotonic() + chore.every
            connection.close()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Streams do not end by themselves, and uvicorn waits for all answers."""
        self.ended.set()
        self.broadcaster.close()
        await super().shutdown(sockets)


class Command(BaseCommand):
    help = "Migrate the database and serve Agent Monitor."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--reload", action="store_true", help="restart when code changes")
        parser.add_argument("--no-migrate", action="store_true", help="take the database as it is")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options.pop("reload"):
                run_with_reloader(self.serve_in_thread, **options)
            else:
                self.serve(**options)
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")

    def serve_in_thread(self, **options: Any) -> None:
        """As the reloader runs it, beside its watch: a failure must end the whole process."""
        try:
            self.serve(**options)
        except CommandError as error:
            self.stderr.write(f"CommandError: {error}")
            os._exit(1)

    def serve(self, *, host: str, port: int, no_migrate: bool, **options: Any) -> None:
        listener = listen(host, port)
        refuse_readonly(connection)
        if not no_migrate:
            migrate()
        collect_static()
        password = first_administrator()
        be_impatient()
        self.greet(host, listener.getsockname()[1], password)
        from monitor.asgi import application  # it reads which static files there are

        config = uvicorn.Config(
            application,
            lifespan="off",
            log_level="warning",
            server_header=False,
            forwarded_allow_ips=settings.FORWARDED_ALLOW_IPS,
            timeout_graceful_shutdown=5,
        )
        Server(config, application.broadcaster).run(sockets=[listener])

    def greet(self, host: str, port: int, password: str | None) -> None:
        shown = f"[{host}]" if ":" in host else host
        self.stdout.write(f"Agent Monitor is at http://{shown}:{port}/ (Ctrl-C stops it).")
        if password:
            self.stdout.write(
                f"Sign in as admin with the password {password} (it is not shown again; change "
                "it at /password/ or with manage.py changepassword admin)."
            )
        if not is_loopback(host) and set(settings.ALLOWED_HOSTS) <= LOCAL_HOSTS:
            self.stderr.write(
                f"Listening on {host}, but ALLOWED_HOSTS admits this machine only: set it to the "
                "names under which others reach it, ALLOWED_HOSTS=monitor.example.org."
            )
        self.stdout.flush()  # into a pipe or a journal it would wait


def attempt(chore: Chore) -> None:
    """Pages are right without it, only later or slower: so a failure is told, and no more."""
    try:
        chore.do()
    except Exception:
        logger.exception("Could not %s; next try in %s s", chore.deed, chore.every)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; bound before anything else is done, so that a failure costs nothing."""
    try:
        family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise CommandError(f"Cannot listen on {host} port {port}: {error}.") from error
    # Every connection takes it over. Else the kernel holds back the end of each answer until the
    # client has acknowledged its beginning: 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def migrate() -> None:
    """Do what is to be done, with nothing to wait for where there is nothing to do."""
    try:
        if not is_migrated():
            call_command("migrate", interactive=False, verbosity=0)
    except CommandError:
        raise
    except Exception as error:
        raise CommandError(f"The database could not be migrated: {told(error)}") from error


def is_migrated() -> bool:
    """Whether every migration that there is has been applied. Raises as records.cures does."""
    refuse_newer(connection)
    applied = MigrationRecorder(connection).applied_migrations()
    return all(
        (app.label, name) in applied for app in apps.get_app_configs() for name in migrations(app)
    )


def migrations(app: AppConfig) -> Iterator[str]:
    return (file.stem for file in Path(app.path, "migrations").glob("[!_]*.py"))


def be_impatient() -> None:
    """Let what the server does wait less long for other writers than a command may."""
    options = connections.settings[connection.alias]["OPTIONS"]
    if connection.vendor == "sqlite":
        options["timeout"] = PATIENCE
    else:
        given = options.get("options", "")
        options["options"] = f"{given} -c lock_timeout={PATIENCE}s".strip()
    connection.close()


def first_administrator() -> str | None:
    """The password of the administrator just made, None where any user exists."""
    users = get_user_model().objects
    try:
        if users.exists():
            return None
    except DatabaseError as error:
        raise CommandError(
            f"The database is not ready: {error}. Start without --no-migrate."
        ) from error
    password = secrets.token_urlsafe(12)
    try:
        users.create_superuser("admin", password=password)
    except IntegrityError:  # made by another server in this very moment
        return None
    return password


def collect_static() -> None:
    """Collect static files if any has changed since the last time: hashing all takes seconds."""
    if settings.DEBUG:
        return
    stamp, state = Path(settings.STATIC_ROOT, ".collected"), static_state()
    if not stamp.exists() or stamp.read_text() != state:
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(state)


def static_state() -> str:
    """A digest of the path, size and time of every static file, and of how they are stored."""
    lines = [str(settings.STORAGES["staticfiles"]), *sorted(static_files())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def static_files() -> Iterator[str]:
    for finder in get_finders():
        for path, storage in finder.list(None):
            file = Path(storage.path(path))
            yield f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}"


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
