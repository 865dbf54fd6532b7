"""Databases by the dozen, copied from one another."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.db import connection


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
