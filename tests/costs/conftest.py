import os
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection


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
