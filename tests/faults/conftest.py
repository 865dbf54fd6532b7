"""Databases by the dozen, copied from one another, and processes that may die on them."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection

from tests.faults.mortal import Mortals, mortals


class Databases:
    """Makes databases of the kind under test, empty or like another one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vendor = connection.vendor
        self._made: list[str] = []

    def make(self, like: str | None = None) -> str:
        """The name of a new one."""
        if self.vendor == "sqlite":
            name = str(self.folder / f"{uuid.uuid4().hex}.db")
            if like:
                shutil.copyfile(like, name)
            return name
        name = f"fault_{uuid.uuid4().hex}"
        self._ask(f"CREATE DATABASE {name} TEMPLATE {like or 'template0'}")
        self._made.append(name)
        return name

    def url(self, name: str) -> str:
        if self.vendor == "sqlite":
            return f"sqlite:///{name}"
        return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()

    def drop_all(self) -> None:
        for name in self._made:
            self._ask(f"DROP DATABASE {name} WITH (FORCE)")

    def _ask(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as server:
            server.execute(statement)


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    made = Databases(tmp_path)
    yield made
    made.drop_all()


@pytest.fixture(scope="session")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortals]:
    """Runs commands that may die."""
    folder = tmp_path_factory.mktemp("mortal")
    default = f"sqlite:///{folder / 'none.db'}"
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": os.environ["DATABASE_URL"] if connection.vendor != "sqlite" else default,
        "DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "monitor.settings",
    }
    with mortals(environment) as made:
        yield made
