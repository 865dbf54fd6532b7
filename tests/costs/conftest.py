import json
import os
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from tests.costs.botfile import BotFile


@pytest.fixture
def process_settings(transactional_db):
    """The environment under which another process meets this test in its database."""
    name = connection.settings_dict["NAME"]
    url = f"sqlite:///{name}"
    if connection.vendor == "postgresql":
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": url,
        "DATA_DIR": str(settings.DATA_DIR),
        "USAGE_JSON": str(settings.USAGE_JSON),
        "DJANGO_SETTINGS_MODULE": "monitor.settings",
    }


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
