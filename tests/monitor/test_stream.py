"""The broadcaster by itself, with a database that the test plays."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from django.db import OperationalError

from monitor import stream
from monitor.callers import Caller
from monitor.stream import Asked, Broadcaster, Stream

ANNE, BERT = Caller(key_id=1), Caller(key_id=2)
NEWS = Asked(ANNE, None)


class Database:
    """Says what commit it is at, and counts what it is asked for."""

    def __init__(self) -> None:
        self.commit = "one"
        self.allowed = {ANNE, BERT}
        self.asked: list[str] = []
        self.fault: Exception | None = None

    def version(self) -> str:
        if self.fault:
            raise self.fault
        return self.commit

    def snapshot(self, hours: int) -> bytes:
        self.asked.append(f"{self.commit} {hours}")
        return b"{%d}" % hours


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LOOK_EVERY", 0)
    monkeypatch.setattr(stream, "TELL_EVERY", 0)


def play(
    database: Database, scene: Callable[[Broadcaster], Coroutine[Any, Any, None]]
) -> Broadcaster:
    broadcaster = Broadcaster(database.version, database.snapshot, lambda _: database.allowed)

    async def played() -> None:
        try:
            async with asyncio.timeout(10):
                await scene(broadcaster)
        finally:
            broadcaster.close()

    asyncio.run(played())
    return broadcaster


class Listener:
    """One end of a stream; what it hears, without the line on when to come back."""

    def __init__(self, joined: Stream) -> None:
        self.joined = joined
        self.messages = joined.messages()

    @classmethod
    async def of(cls, broadcaster: Broadcaster, asked: Asked = NEWS) -> "Listener":
        listener = cls(await broadcaster.join(asked))
        assert (await anext(listener.messages)).startswith(b"retry: ")
        return listener

    async def hear(self) -> bytes:
        return await anext(self.messages)


class TestBroadcaster:
    def test_it_tells_the_state_of_now_and_then_each_commit(self, database: Database) -> None:
        async def scene(broadcaster: Broadcaster) -> None:
            listener = await Listener.of(broadcaster)
            assert await listener.hear() == b"id: one\nevent: news\ndata: {}\n\n"
            database.commit = "two"
            assert await listener.hear() == b"id: two\nevent: news\ndata: {}\n\n"

        play(database, scene)

    def test_all_figures_are_reckoned_once_for_all_who_ask_for_them(
        self, database: Database
    ) -> None:
        async def scene(broadcaster: Broadcaster) -> None:
            first = await Listener.of(broadcaster, Asked(ANNE, 24))
            assert await first.hear() == b"id: one\ndata: {24}\n\n"
            others = [await Listener.of(broadcaster, Asked(ANNE, hours)) for hours in (24, 24, 7)]
            for listener in others:
                await listener.hear()
            database.asked.clear()
            database.commit = "two"
            told = [await listener.hear() for listener in (first, *others)]
            assert told[0] is told[1] is told[2]
            assert sorted(database.asked) == ["two 24", "two 7"]

        play(database, scene)

    def test_who_knows_the_state_already_is_told_only_what_is_new(self, database: Database) -> None:
        async def scene(broadcaster: Broadcaster) -> None:
            await Listener.of(broadcaster)
            knowing = await Listener.of(broadcaster, Asked(ANNE, None, last_id="one"))
            database.commit = "two"
            assert b"id: two" in await knowing.hear()

        play(database, scene)

    def test_a_slow_reader_gets_the_newest_message_only(self, database: Database) -> None:
        async def scene(broadcaster: Broadcaster) -> None:
            slow, quick = await Listener.of(broadcaster), await Listener.of(broadcaster)
            for commit in ("two", "three"):
                database.commit = commit
                while commit.encode() not in await quick.hear():
                    pass
            assert b"id: three" in await slow.hear()

        play(database, scene)

    def test_silence_is_broken_by_a_comment(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stream, "HEARTBEAT", 0.01)

        async def scene(broadcaster: Broadcaster) -> None:
            listener = await Listener.of(broadcaster)
            # The first look may take longer than a beat.
            assert b": heartbeat\n\n" in [await listener.hear(), await listener.hear()]

        play(database, scene)

    def test_clients_come_back_spread_over_some_seconds(self, database: Database) -> None:
        async def scene(broadcaster: Broadcaster) -> None:
            streams = [await broadcaster.join(NEWS) for _ in range(20)]
            times = {await anext(joined.messages()) for joined in streams}
            assert len(times) > 5

        play(database, scene)

    @pytest.mark.parametrize("fault", [OperationalError("gone"), OSError("gone"), KeyError("bug")])
    def test_a_look_that_fails_ends_nothing(
        self, database: Database, fault: Exception, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def scene(broadcaster: Broadcaster) -> None:
            listener = await Listener.of(broadcaster)
            await listener.hear()
            database.fault = fault
            while "streams" not in caplog.text:
                await asyncio.sleep(0)
            database.fault, database.commit = None, "two"
            assert b"id: two" in await listener.hear()

        play(database, scene)

    def test_close_ends_all_streams_and_those_that_would_still_join(
        self, database: Database
    ) -> None:
        async def scene(broadcaster: Broadcaster) -> None:
            listener = await Listener.of(broadcaster)
            await listener.hear()
            broadcaster.close()
            late = await broadcaster.join(NEWS)
            for ended in (listener.messages, late.messages()):
                assert [message async for message in ended if b"retry" not in message] == []

        play(database, scene)

    def test_it_looks_only_while_somebody_listens(self, database: Database) -> None:
        async def scene(broadcaster: Broadcaster) -> None:
            listener = await Listener.of(broadcaster)
            await listener.hear()
            broadcaster.leave(listener.joined)
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0)
            again = await Listener.of(broadcaster)
            assert b"id: one" in await again.hear()

        play(database, scene)

    def test_who_loses_the_right_to_listen_hears_no_more(self, database: Database) -> None:
        async def scene(broadcaster: Broadcaster) -> None:
            anne = await Listener.of(broadcaster)
            bert = await Listener.of(broadcaster, Asked(BERT, None))
            await anne.hear()
            await bert.hear()
            database.allowed, database.commit = {BERT}, "two"
            assert [message async for message in anne.messages] == []
            assert b"id: two" in await bert.hear()

        play(database, scene)

    def test_a_right_that_ends_without_a_commit_ends_the_stream_too(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stream, "CHECK_EVERY", 0)

        async def scene(broadcaster: Broadcaster) -> None:
            anne = await Listener.of(broadcaster)
            await anne.hear()
            database.allowed = set()
            assert [message async for message in anne.messages] == []

        play(database, scene)
