from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """Where the attachments of this test are kept."""
    settings.DATA_DIR = tmp_path
    return tmp_path / "attachments"
