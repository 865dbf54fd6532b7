import json

import pytest

from costs import partitions
from tests.costs.botfile import BotFile
from tests.costs.partitioned import AHEAD, NOW, fill, make_whole


@pytest.fixture
def bot(tmp_path):
    return BotFile(tmp_path / "usage.json")


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "usage.json"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture
def divided(db):
    """Partitions, until the test's transaction is rolled back."""
    partitions.convert(NOW, AHEAD)


@pytest.fixture
def given_back(transactional_db):
    yield
    make_whole()


@pytest.fixture
def divided_for_all(given_back):
    """Partitions that other connections see."""
    fill()
    partitions.convert(NOW, AHEAD)
