from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from monitor.keys import LONGEST, end_of
from monitor.models import ApiKey
from tests.monitor.test_settings import manage

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)


def create(name: str = "bot", scopes: str = "read", *more: str) -> None:
    call_command("create_api_key", name, "--scopes", scopes, *more)


@pytest.mark.django_db
class TestCreateApiKey:
    def test_the_last_line_is_the_secret_alone(self, capsys: Any) -> None:
        create("my bot", "read,write")
        *told, secret = capsys.readouterr().out.splitlines()
        assert told == [
            "The key my bot may read and write, without end.",
            "Keep its secret, which is not shown again; programs send it as",
            "Authorization: Bearer SECRET",
        ]
        client = Client(headers={"authorization": f"Bearer {secret}"})
        assert client.get("/api/openapi.json").status_code == 200
        assert client.post("/api/no/such/route").status_code == 404

    def test_only_its_hash_is_kept(self, capsys: Any) -> None:
        create()
        secret = capsys.readouterr().out.splitlines()[-1]
        assert secret not in str(ApiKey.objects.values().get())

    @pytest.mark.parametrize(
        ("asked", "given"),
        [
            ("read", ["read"]),
            ("write", ["write"]),
            (" write , read", ["read", "write"]),
            ("read,read", ["read"]),
        ],
    )
    def test_it_may_what_was_asked_for(self, asked: str, given: list[str]) -> None:
        create("bot", asked)
        assert ApiKey.objects.get().scopes == given

    def test_it_is_told_until_when(self, capsys: Any, time_machine: Any) -> None:
        time_machine.move_to(NOON, tick=False)
        create("bot", "read", "--expires", "90d")
        assert "may read, until 2026-06-13 12:00:00 UTC." in capsys.readouterr().out
        key = ApiKey.objects.get()
        assert (key.created_at, key.expires_at) == (NOON, NOON + timedelta(days=90))

    @pytest.mark.parametrize(
        ("name", "scopes", "more", "told"),
        [
            ("", "read", [], "A key needs a name"),
            (" \t", "read", [], "A key needs a name"),
            ("x" * 101, "read", [], "at most 100 characters"),
            ("a\nb", "read", [], "all of which can be seen"),
            ("\x1b[2J", "read", [], "all of which can be seen"),
            ("\udcff", "read", [], "all of which can be seen"),
            ("bot", "", [], "The scopes are read, write or read,write, not ''."),
            ("bot", "admin", [], "not 'admin'"),
            ("bot", "read,admin", [], "not 'read,admin'"),
            ("bot", "read,", [], "not 'read,'"),
            ("bot", "READ", [], "not 'READ'"),
            ("bot", "read", ["--expires", ""], "An expiry is like 12h, 90d, 2w or"),
            ("bot", "read", ["--expires", "soon"], "not 'soon'"),
            ("bot", "read", ["--expires", "-1d"], "not '-1d'"),
            ("bot", "read", ["--expires", "90"], "not '90'"),
            ("bot", "read", ["--expires", "1.5d"], "not '1.5d'"),
            ("bot", "read", ["--expires", "٩d"], "An expiry is like"),
            ("bot", "read", ["--expires", "2027-02-30"], "not '2027-02-30'"),
            ("bot", "read", ["--expires", "0d"], "is in the future"),
            ("bot", "read", ["--expires", "2020-01-01"], "is in the future"),
            ("bot", "read", ["--expires", "999999w"], "not more than 100 years off"),
            ("bot", "read", ["--expires", "9999-12-31"], "not more than 100 years off"),
        ],
        ids=ascii,
    )
    def test_what_makes_no_sense_is_one_line_and_no_key(
        self, name: str, scopes: str, more: list[str], told: str
    ) -> None:
        more = [f"{more[0]}={more[1]}"] if more else []
        with pytest.raises(CommandError) as refused:
            create(name, scopes, *more)
        assert told in str(refused.value)
        assert "\n" not in str(refused.value)
        assert refused.value.returncode == 1
        assert not ApiKey.objects.exists()

    def test_so_is_a_database_that_refuses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def locked(*args: Any, **kwargs: Any) -> None:
            raise OperationalError("database is locked")

        monkeypatch.setattr(ApiKey, "save", locked)
        with pytest.raises(CommandError, match="The database refused: database is locked"):
            create()


class TestProcess:
    def test_a_script_takes_the_last_line(self, process_settings: dict[str, str]) -> None:
        ask = ["create_api_key", "bot", "--scopes", "read", "--expires", "2w"]
        done = manage(*ask, **process_settings)
        assert (done.returncode, done.stderr) == (0, "")
        secret = done.stdout.splitlines()[-1]
        assert ApiKey.objects.presented(secret, datetime.now(UTC))

    def test_a_refusal_leaves_nothing_to_take(self, process_settings: dict[str, str]) -> None:
        done = manage("create_api_key", "bot", "--scopes", "all", **process_settings)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.splitlines() == [
            "CommandError: The scopes are read, write or read,write, not 'all'."
        ]

    def test_the_scopes_must_be_told(self, process_settings: dict[str, str]) -> None:
        done = manage("create_api_key", "bot", **process_settings)
        assert (done.returncode, done.stdout) == (2, "")
        assert "--scopes" in done.stderr


class TestEnd:
    @pytest.mark.parametrize(
        ("text", "end"),
        [
            ("12h", NOON + timedelta(hours=12)),
            ("90d", NOON + timedelta(days=90)),
            ("2w", NOON + timedelta(days=14)),
            ("2026-03-16", datetime(2026, 3, 16, tzinfo=UTC)),
        ],
    )
    def test_it_is_a_span_or_the_beginning_of_a_day(self, text: str, end: datetime) -> None:
        assert end_of(text, NOON + timedelta(microseconds=9)) == end

    def test_the_day_is_that_of_the_house(self, settings: Any) -> None:
        settings.TIME_ZONE = "Asia/Tokyo"
        assert end_of("2026-03-16", NOON) == datetime(2026, 3, 15, 15, tzinfo=UTC)

    @given(st.text("0123456789hdw-", max_size=12) | st.dates().map(str))
    def test_whatever_is_asked_it_is_ahead_or_refused(self, text: str) -> None:
        with suppress(ValueError):
            assert NOON < end_of(text, NOON) <= NOON + LONGEST
