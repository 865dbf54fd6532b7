"""Databases by the dozen, and processes that may die on them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.faults.databases import Databases
from tests.faults.mortal import Mortals, mortals
from tests.faults.world import World


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


@pytest.fixture
def world(databases: Databases, mortal: Mortals, tmp_path: Path) -> World:
    return World(databases, mortal, tmp_path)


@pytest.fixture(scope="session")
def template(mortal: Mortals, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with all tables and no rows, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    world = World(Databases(folder), mortal, folder)
    name = world.databases.make()
    world.do(name, "migrate", "--verbosity", "0")
    yield name
    world.databases.drop_all()


@pytest.fixture
def migrated(world: World, template: str) -> str:
    return world.databases.make(template)
