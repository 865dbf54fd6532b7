"""The database that is copied from, beside the one that this process works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import environ
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from monitor.transfer.refusal import Refused

SOURCE = "source"
ENGINES = {
    "django.db.backends.sqlite3": ("monitor.sqlite", {"transaction_mode": "DEFERRED"}),
    "django.db.backends.postgresql": ("django.db.backends.postgresql", {}),
}


def open_source(url: str) -> BaseDatabaseWrapper:
    """A connection to the database of that URL. Raises Refused, in one line."""
    if not url.startswith(("sqlite:///", "postgres://", "postgresql://")):
        raise Refused(f"--from {url!r} must begin with sqlite:/// or postgres://.")
    config = environ.Env.db_url_config(url)
    engine, options = ENGINES[config["ENGINE"]]
    if engine == "monitor.sqlite" and not Path(config["NAME"]).is_file():
        raise Refused(f"--from {url}: there is no file {config['NAME']}.")
    options = options | config.get("OPTIONS", {})
    defaults = connections.settings[DEFAULT_DB_ALIAS]
    own = {"ENGINE": engine, "OPTIONS": options, "CONN_MAX_AGE": None}
    connections.settings[SOURCE] = defaults | config | own
    if is_same(connections.settings[SOURCE], defaults):
        raise Refused("--from names the database that DATABASE_URL does.")
    return connections[SOURCE]


def is_same(one: dict[str, object], other: dict[str, object]) -> bool:
    names = ("HOST", "PORT", "ENGINE")
    if any(one[name] != other[name] for name in names):
        return False
    return one["NAME"] == other["NAME"] or _same_file(str(one["NAME"]), str(other["NAME"]))


def _same_file(one: str, other: str) -> bool:
    return Path(one).exists() and Path(other).exists() and Path(one).samefile(other)


@contextmanager
def as_default(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Let all that asks the database ask this one for a while: so figures of both can be read."""
    own = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = connection
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = own
