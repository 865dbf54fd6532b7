"""What every test may lean on: a database in a file, plain static files, somebody signed in."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
import uvicorn
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from model_bakery import baker

from monitor.models import ApiKey
from monitor.stream import Broadcaster
from tests.examples import examples

# Playwright's synchronous interface runs an event loop, beside which the ORM would refuse to work.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

baker.generators.add("records.fields.InstantField", timezone.now)

PASSWORD = "a long enough pass phrase"
# The one without a window, where it is there, takes half the time: it has no address bar to draw.
CHROMIUMS = ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(os.path.exists, CHROMIUMS), CHROMIUMS[-1])
# The address bar of each window would be a page of its own, which costs as much as one of ours.
# Of this switch the last counts, so it says again what Playwright does without.
NO_FEATURES = (
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,AimEnabled,AvoidCorsURLLoaderRestartOnRedirect,"
    "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,"
    "HttpsFirstBalancedModeAutoEnable,HttpsUpgrades,LensOverlay,MediaRouter,"
    "NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,PreconnectToSearch,"
    "TcpPortRandomizationWin,ThirdPartyStoragePartitioning"
)
CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    f"--disable-component-update --disable-sync --disable-features={NO_FEATURES}"
)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests off the data of whoever runs them: a private folder holds everything."""
    config.addinivalue_line(  # said of pytest-base-url, which pytest-playwright brings
        "filterwarnings", "ignore:Session-scoped fixtures:pytest.PytestRemovedIn10Warning"
    )
    # No test fails for the machine being busy: speed is measured in script/bench.
    hypothesis.settings.register_profile("unhurried", deadline=None, max_examples=examples(100))
    hypothesis.settings.load_profile("unhurried")
    config.private_data = tempfile.TemporaryDirectory(prefix="agent-monitor-tests-")
    folder = Path(config.private_data.name)
    settings.DATA_DIR = folder
    settings.USAGE_JSON = folder / "usage.json"
    settings.STATIC_ROOT = folder / "static"
    settings.STATIC_ROOT.mkdir()
    settings.SERVESTATIC_USE_FINDERS = True  # as they are, not collected
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.DMR_SETTINGS = {"validate_responses": True}
    # Quick to compute: passwords of tests need no strength.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if connection.vendor == "sqlite":
        # In a file, so that the threads and processes of a test meet in one database.
        connection.settings_dict["TEST"]["NAME"] = str(folder / "test.db")
    else:
        # Tests play the server in threads of their own; at their end the database must be free.
        connection.settings_dict["CONN_MAX_AGE"] = 0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: their event loop stays, and beside it no test client could work.

    What asks no database is the same on both: it is tested on SQLite.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    if connection.vendor == "postgresql":
        items[:] = [item for item in items if asks_the_database(item)]


def asks_the_database(item: pytest.Item) -> bool:
    fixtures: list[str] = getattr(item, "fixturenames", [])
    return (
        not {"db", "transactional_db"}.isdisjoint(fixtures)
        or item.get_closest_marker("django_db") is not None
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    config.private_data.cleanup()


@pytest.fixture
def operator(db: None) -> User:
    """Somebody who may sign in, and no more."""
    return User.objects.create_user("operator", password=PASSWORD)


@pytest.fixture
def signed_in(client: Client, operator: User) -> Client:
    client.force_login(operator)
    return client


def client_with_key(**scopes: bool) -> Client:
    key = ApiKey(name="a program", created_at=timezone.now(), **scopes)
    secret = key.give_secret()
    key.save()
    return Client(headers={"authorization": f"Bearer {secret}"})


@pytest.fixture
def reader(db: None) -> Client:
    """A program whose key may read."""
    return client_with_key(can_read=True)


@pytest.fixture
def writer(db: None) -> Client:
    """A program whose key may write."""
    return client_with_key(can_write=True)


@pytest.fixture
def agent(db: None) -> Client:
    """A program whose key may read and write."""
    return client_with_key(can_read=True, can_write=True)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no rows, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    where = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder)}
    subprocess.run(command, cwd=settings.BASE_DIR, env=where, check=True)
    return folder / "monitor.db"


@pytest.fixture
def migrated_data(migrated_file: Path, tmp_path: Path) -> Path:
    """A data folder with a database that has all tables and no rows."""
    shutil.copyfile(migrated_file, tmp_path / "monitor.db")
    return tmp_path


@pytest.fixture
def process_settings(transactional_db: None) -> dict[str, str]:
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


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: CHROMIUM names another")
    return browser_type_launch_args | {
        "executable_path": CHROMIUM,
        "args": CHROMIUM_FLAGS.split(),
    }


class Server(uvicorn.Server):
    """Ends its streams first, as manage.py serve does."""

    def __init__(self, config: uvicorn.Config, broadcaster: Broadcaster) -> None:
        super().__init__(config)
        self.broadcaster = broadcaster

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.broadcaster.close()
        await super().shutdown(sockets)


@pytest.fixture
def site(transactional_db: None) -> Iterator[str]:
    """The address of the site, served by uvicorn in a thread on the test database."""
    from monitor.asgi import Site  # not before the settings above are in force

    served = Site()
    config = uvicorn.Config(
        served, lifespan="off", log_level="warning", timeout_graceful_shutdown=1, ws="none"
    )
    server = Server(config, served.broadcaster)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(5)
