"""The body as Django receives it, with a server that the test plays."""

import asyncio
import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from monitor import bodies
from monitor.bodies import MAX_BODY, Body, Refused

GZIP = [(b"content-encoding", b"gzip"), (b"content-length", b"99"), (b"accept", b"*/*")]
LEFT = {"type": "http.disconnect"}
TEXT = b'{"tool": "Bash"}' * 500


def events(chunks: list[bytes]) -> Iterator[dict[str, Any]]:
    for number, chunk in enumerate(chunks, start=1):
        yield {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}


def body_of(*chunks: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> bytes:
    """What comes out where these chunks are sent."""
    sent = events(list(chunks))

    async def receive() -> Any:
        return next(sent)

    async def received() -> bytes:
        body = Body({"headers": GZIP if headers is None else headers}, receive)
        whole = b""
        for number in range(1, len(chunks) + 1):
            event = await body.receive()
            if body.refusal:
                assert event == LEFT
                raise body.refusal
            assert event["more_body"] == (number < len(chunks))
            whole += event["body"]
        return whole

    return asyncio.run(received())


def refusal(*chunks: bytes, **options: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        body_of(*chunks, **options)
    return refused.value.status, str(refused.value)


def split(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


class TestPlain:
    @pytest.mark.parametrize("encoding", [b"", b"identity", b" Identity "])
    def test_it_passes_as_it_is(self, encoding: bytes) -> None:
        headers = [(b"content-encoding", encoding), (b"content-length", b"7")]
        assert body_of(b"one ", b"", b"two", headers=headers) == b"one two"
        assert headers[1] == (b"content-length", b"7")

    def test_without_a_body_there_is_none(self) -> None:
        assert body_of(b"", headers=[]) == b""

    def test_it_is_as_long_as_the_limit_and_no_longer(self) -> None:
        half = bytes(MAX_BODY // 2)
        assert len(body_of(half, half, headers=[])) == MAX_BODY
        told = (413, "The body is longer than 12 MiB.")
        assert refusal(half, half, b"x", headers=[]) == told

    def test_what_is_too_long_is_not_waited_for(self) -> None:
        async def endless() -> Any:
            return {"type": "http.request", "body": bytes(MAX_BODY // 4), "more_body": True}

        async def first_five() -> list[Any]:
            body = Body({"headers": []}, endless)
            return [await body.receive() for _ in range(5)]

        told = asyncio.run(first_five())
        assert [event["type"] for event in told] == ["http.request"] * 4 + ["http.disconnect"]

    def test_the_client_may_leave(self) -> None:
        async def receive() -> Any:
            return LEFT

        body = Body({"headers": GZIP}, receive)
        assert asyncio.run(body.receive()) == LEFT
        assert body.refusal is None


class TestDrain:
    def drained(self, *sent: dict[str, Any]) -> int:
        """How much of what is still sent is taken before the answer."""
        coming = iter(sent)

        async def receive() -> Any:
            return next(coming, None) or await asyncio.Event().wait()

        body = Body({"headers": [(b"content-encoding", b"br")]}, receive)
        asyncio.run(body.drain())
        return len(sent) - len(list(coming))

    def test_the_rest_is_taken_to_its_end(self) -> None:
        assert self.drained(*events([b"one", b"two", b"three"]), LEFT) == 3

    def test_or_until_the_client_leaves(self) -> None:
        (begun, _) = events([b"one", b"two"])
        assert self.drained(begun, LEFT, begun) == 2

    def test_it_is_not_waited_for_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bodies, "LINGER", 0.01)
        (begun, _) = events([b"one", b"two"])
        assert self.drained(begun) == 1


class TestGzip:
    @pytest.mark.parametrize("size", [1, 7, 10_000])
    def test_it_is_inflated_however_it_is_cut(self, size: int) -> None:
        assert body_of(*split(gzip.compress(TEXT), size)) == TEXT

    @given(st.lists(st.binary(), min_size=1), st.integers(1, 50))
    def test_several_in_a_row_make_one_whole(self, parts: list[bytes], size: int) -> None:
        sent = b"".join(gzip.compress(part) for part in parts)
        assert body_of(*split(sent, size)) == b"".join(parts)

    def test_the_end_may_come_by_itself(self) -> None:
        assert body_of(gzip.compress(TEXT), b"") == TEXT

    def test_nothing_is_no_torn_gzip(self) -> None:
        assert body_of(b"") == b""

    def test_the_headers_then_tell_of_the_plain_body(self) -> None:
        scope: Any = {"headers": [*GZIP, (b"x", b"y")]}
        Body(scope, None)
        assert scope["headers"] == [(b"accept", b"*/*"), (b"x", b"y")]

    @pytest.mark.parametrize("chunks", [1, 2])
    @given(cut=st.integers(1, 17))
    def test_a_torn_one_is_refused(self, chunks: int, cut: int) -> None:
        sent = gzip.compress(b"")[:-cut]
        parts = [sent, b""][:chunks]
        assert refusal(*parts) == (400, "The body is torn: its gzip has no end.")

    def test_so_is_one_that_is_torn_after_a_whole_one(self) -> None:
        sent = gzip.compress(TEXT) + gzip.compress(TEXT)[:-1]
        assert refusal(sent)[0] == 400

    @pytest.mark.parametrize(
        "sent",
        [
            TEXT,
            zlib.compress(TEXT),
            gzip.compress(TEXT) + b"and more",
            gzip.compress(TEXT)[:-8] + bytes(8),
        ],
        ids=["plain", "zlib", "garbage after it", "wrong sum"],
    )
    def test_what_is_none_is_refused(self, sent: bytes) -> None:
        status, why = refusal(sent)
        assert status == 400
        assert why.startswith("The body is no gzip: Error -3 ")

    def test_it_may_hold_as_much_as_the_limit_and_no_more(self) -> None:
        assert len(body_of(*split(gzip.compress(bytes(MAX_BODY)), 1_000))) == MAX_BODY
        told = (413, "The body is longer than 12 MiB.")
        assert refusal(*split(gzip.compress(bytes(MAX_BODY + 1)), 1_000)) == told
        assert refusal(gzip.compress(bytes(MAX_BODY + 1))) == told

    def test_several_together_hold_no_more(self) -> None:
        half = gzip.compress(bytes(MAX_BODY // 2))
        assert len(body_of(half + half)) == MAX_BODY
        assert refusal(half, half + gzip.compress(b"x"))[0] == 413

    def test_a_bomb_is_not_inflated_beyond_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made: list[int] = []
        inflated = bodies.Gzip.inflated

        def measured(*args: Any) -> bytes:
            chunk = inflated(*args)
            made.append(len(chunk))
            return chunk

        monkeypatch.setattr(bodies.Gzip, "inflated", measured)
        assert refusal(gzip.compress(bytes(20 * MAX_BODY)))[0] == 413
        assert sum(made) == MAX_BODY + 1

    def test_nor_does_one_that_holds_nothing_go_on_for_ever(self) -> None:
        head, empty_block = gzip.compress(b"")[:10], b"\0\0\0\xff\xff"
        chunk = empty_block * 200_000
        assert refusal(head, *[chunk] * (MAX_BODY // len(chunk) + 1))[0] == 413

    def test_there_are_at_most_a_thousand(self) -> None:
        one = gzip.compress(b"x", 0)
        assert body_of(*[one] * 1_000) == b"x" * 1_000
        told = (400, "The body is more than 1,000 gzips in a row.")
        assert refusal(one * 1_001) == told


class TestEncoding:
    @pytest.mark.parametrize("encoding", [b"br", b"deflate", b"gzip, gzip", b"\xff"])
    def test_any_other_is_refused_before_anything_is_read(self, encoding: bytes) -> None:
        refusal = Body({"headers": [(b"content-encoding", encoding)]}, None).refusal
        assert refusal
        assert refusal.status == 415
        assert "Content-Encoding may be gzip" in str(refusal)

    def test_its_letters_may_be_large(self) -> None:
        headers = [(b"content-encoding", b" GZip")]
        assert body_of(gzip.compress(TEXT), headers=headers) == TEXT


class TestLimit:
    def test_it_is_that_of_django(self) -> None:
        assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE == MAX_BODY
