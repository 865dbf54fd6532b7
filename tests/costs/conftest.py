import json

import pytest

from tests.costs.botfile import BotFile


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
