"""The stream over real HTTP."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from costs.ledger import record_usage
from monitor.models import ApiKey
from tests.conftest import PASSWORD

PATH = "/api/stream/metrics"


class Listener:
    """A program at the other end of a stream."""

    def __init__(self, site: str, query: str = "", **headers: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(site).netloc, timeout=20)
        self.connection.request("GET", PATH + query, headers=headers)
        self.response = self.connection.getresponse()

    def message(self) -> dict[str, str]:
        """The fields of the next message; comments and the line on when to come back are none."""
        fields: dict[str, str] = {}
        for line in self.lines():
            name, _, value = line.partition(": ")
            if name in ("id", "event", "data"):
                fields[name] = value
            elif not line and fields:
                return fields
        raise EOFError

    def lines(self) -> Iterator[str]:
        while line := self.response.readline():
            yield line.decode().removesuffix("\n")

    def close(self) -> None:
        self.response.close()
        self.connection.close()


@pytest.fixture
def key(transactional_db: None) -> ApiKey:
    return ApiKey(name="a program", can_read=True, created_at=timezone.now())


@pytest.fixture
def secret(key: ApiKey) -> str:
    secret = key.give_secret()
    key.save()
    return f"Bearer {secret}"


def spend() -> None:
    record_usage(user_id="a", model="claude-opus-4-1", input_tokens=10, output_tokens=1)


class TestStream:
    def test_a_program_hears_the_figures_at_once_and_after_each_commit(
        self, site: str, secret: str
    ) -> None:
        with closing(Listener(site, "?hours=24", Authorization=secret)) as listener:
            assert listener.response.status == 200
            assert listener.response.headers["Content-Type"] == "text/event-stream"
            assert listener.response.headers["Cache-Control"] == "no-store"
            first = json.loads(listener.message()["data"])
            assert set(first) == {"overview", "sessions", "activity", "timestamp"}
            assert first["overview"]["claude_api_usage"]["recent_requests"] == 0
            spend()
            then = json.loads(listener.message()["data"])
            assert then["overview"]["claude_api_usage"]["recent_requests"] == 1

    def test_a_dashboard_hears_only_that_there_is_news(self, site: str, secret: str) -> None:
        with closing(Listener(site, "?only=news", Authorization=secret)) as listener:
            first = listener.message()
            assert (first["event"], first["data"]) == ("news", "{}")
            spend()
            assert listener.message()["id"] != first["id"]

    def test_who_comes_back_is_not_told_what_it_knows(self, site: str, secret: str) -> None:
        with closing(Listener(site, "?only=news", Authorization=secret)) as listener:
            known = {"Authorization": secret, "Last-Event-ID": listener.message()["id"]}
            with closing(Listener(site, "?only=news", **known)) as again:
                spend()
                assert again.message()["id"] == listener.message()["id"] != known["Last-Event-ID"]

    def test_it_opens_to_nobody_unasked(self, site: str) -> None:
        with closing(Listener(site)) as listener:
            assert listener.response.status == 401
            assert "error" in json.loads(listener.response.read())

    @pytest.mark.parametrize("query", ["?hours=0", "?hours=x", "?hours=99999999", "?only=all"])
    def test_a_wrong_parameter_is_refused(self, site: str, secret: str, query: str) -> None:
        with closing(Listener(site, query, Authorization=secret)) as listener:
            assert listener.response.status == 400
            assert "$." in json.loads(listener.response.read())["error"]

    def test_a_revoked_key_hears_no_more(self, site: str, secret: str, key: ApiKey) -> None:
        with closing(Listener(site, "?only=news", Authorization=secret)) as listener:
            listener.message()
            key.revoke(timezone.now())
            assert listener.response.read() == b""

    def test_signing_out_ends_the_stream_of_a_person(self, site: str) -> None:
        User.objects.create_user("operator", password=PASSWORD)
        client = Client()
        client.force_login(User.objects.get())
        cookie = f"sessionid={client.cookies['sessionid'].value}"
        with closing(Listener(site, "?only=news", Cookie=cookie)) as listener:
            listener.message()
            client.post("/logout/")
            assert listener.response.read() == b""

    def test_head_tells_the_headers_and_ends(self, site: str, secret: str) -> None:
        connection = http.client.HTTPConnection(urlsplit(site).netloc, timeout=20)
        with closing(connection):
            for _ in range(2):
                connection.request("HEAD", PATH, headers={"Authorization": secret})
                response = connection.getresponse()
                assert (response.status, response.read()) == (200, b"")

    def test_streams_hold_neither_threads_nor_database_connections(
        self, site: str, secret: str
    ) -> None:
        listeners = [Listener(site, "?only=news", Authorization=secret) for _ in range(2)]
        for listener in listeners:
            listener.message()
        before = threading.active_count(), database_connections()
        listeners += [Listener(site, "?only=news", Authorization=secret) for _ in range(30)]
        spend()
        for listener in listeners:
            listener.message()
        after = threading.active_count(), database_connections()
        for listener in listeners:
            listener.close()
        # A few come and go with the requests themselves.
        assert after[0] < before[0] + 10
        assert after[1] < before[1] + 10


def database_connections() -> int:
    """How many the database knows of; on SQLite those of this process."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            )
            return int(cursor.fetchone()[0])
    name = str(connection.settings_dict["NAME"])
    return sum(str(fd.readlink()) == name for fd in Path("/proc/self/fd").iterdir() if fd.exists())
