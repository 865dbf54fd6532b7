from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

Write = Callable[..., Path]

NOON = 1_773_576_000  # 2026-03-15 12:00 UTC


def of_the_page() -> int:
    """The queries of a whole page: session, user, and on PostgreSQL the version of the database."""
    return 3 if connection.vendor == "postgresql" else 2


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """The documentation folder of this test, empty at first."""
    root = tmp_path / "docs"
    root.mkdir()
    settings.DOCS_ROOT = [str(root)]
    return root


@pytest.fixture
def write(folder: Path) -> Write:
    """Writes a file into the folder, last changed so many minutes before noon."""

    def write(path: str = "guide.md", content: str | bytes = "# A guide\n", ago: int = 0) -> Path:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(file, (NOON - 60 * ago, NOON - 60 * ago))
        return file

    return write
