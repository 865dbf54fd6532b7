import threading
from datetime import timedelta
from typing import Any, NoReturn

import pytest
import uvicorn
from django.test import Client
from django.utils import timezone

from monitor import guard
from monitor.guard import Uses
from monitor.management.commands import serve
from monitor.models import ApiKey
from tests.monitor.guard.cast import LOST, Broken, failing, shown

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.monitor.guard.routes")]


class TestUses:
    def used(self, key: ApiKey) -> Any:
        key.refresh_from_db()
        return key.last_used_at

    @pytest.fixture(autouse=True)
    def uses(self, monkeypatch: pytest.MonkeyPatch) -> Uses:
        monkeypatch.setattr(guard, "USES", Uses())
        return guard.USES

    def test_the_last_one_is_written_down_when_it_is_time(
        self, key: ApiKey, secret: str, uses: Uses, time_machine: Any
    ) -> None:
        began = timezone.now().replace(microsecond=0)
        for second in range(3):
            time_machine.move_to(began + timedelta(seconds=second), tick=False)
            shown(f"Bearer {secret}").get("/api/deed")
        assert self.used(key) is None
        uses.write_down()
        assert self.used(key) == began + timedelta(seconds=2)

    def test_one_statement_a_key_and_none_without_news(
        self, agent: Client, reader: Client, uses: Uses, django_assert_num_queries: Any
    ) -> None:
        for client in (agent, agent, reader):
            client.get("/api/deed")
        with django_assert_num_queries(2):
            uses.write_down()
        with django_assert_num_queries(0):
            uses.write_down()

    def test_a_key_that_opened_nothing_was_not_used(
        self, key: ApiKey, secret: str, uses: Uses
    ) -> None:
        key.revoke(timezone.now())
        shown(f"Bearer {secret}").get("/api/deed")
        uses.write_down()
        assert self.used(key) is None

    def test_a_lost_database_loses_none_of_them(
        self, key: ApiKey, secret: str, agent: Client, uses: Uses
    ) -> None:
        for client in (shown(f"Bearer {secret}"), agent):
            client.get("/api/deed")
        with failing(Broken(LOST[0])):
            uses.write_down()
        uses.write_down()
        assert None not in ApiKey.objects.values_list("last_used_at", flat=True)

    def test_nor_one_that_came_meanwhile(self, key: ApiKey, secret: str, uses: Uses) -> None:
        before = timezone.now()
        later = before + timedelta(seconds=5)
        uses.note(key, before)

        def fail(*args: Any) -> NoReturn:
            uses.note(key, later)
            raise LOST[0]

        with failing(fail):
            uses.write_down()
        uses.write_down()
        assert self.used(key) == later

    def test_a_later_one_that_another_server_wrote_stays(
        self, key: ApiKey, secret: str, uses: Uses
    ) -> None:
        now = timezone.now()
        ApiKey.objects.note_use(key.pk, now)
        uses.note(key, now - timedelta(seconds=30))
        uses.write_down()
        assert self.used(key) == now

    def test_a_key_that_is_gone_is_forgotten(self, key: ApiKey, secret: str, uses: Uses) -> None:
        uses.note(key, timezone.now())
        ApiKey.objects.all().delete()
        uses.write_down()
        assert not ApiKey.objects.exists()


class TestChore:
    def test_serve_writes_the_uses_down_every_minute(
        self, key: ApiKey, secret: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chores: list[serve.Chore] = []
        monkeypatch.setattr(serve.Server, "keep_house", lambda server, *given: chores.extend(given))
        serve.Server(uvicorn.Config("none"))
        for thread in threading.enumerate():
            if thread.name == "house":
                thread.join()
        (chore,) = (chore for chore in chores if chore.deed == "note the use of keys")
        shown(f"Bearer {secret}").get("/api/deed")
        chore.do()
        key.refresh_from_db()
        assert key.last_used_at
        assert chore.every == 60
