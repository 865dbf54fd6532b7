"""Bodies that are too long, torn, compressed or senseless, over real HTTP."""

from __future__ import annotations

import gzip
import http.client
import json
import resource
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from costs.models import CostRecord
from monitor.bodies import MAX_BODY
from monitor.models import ApiKey

USAGE = {"user_id": "ann", "model": "haiku", "input_tokens": 1, "output_tokens": 1}
GOOD = json.dumps(USAGE).encode()
MIB = 2**20


@pytest.fixture
def post(site: str) -> Any:
    key = ApiKey(name="a program", can_write=True, created_at=timezone.now())
    bearer = f"Bearer {key.give_secret()}"
    key.save()

    def post(
        body: bytes | Iterable[bytes], path: str = "/api/usage", **headers: str
    ) -> tuple[int, str]:
        """The status and the error, of a body that is sent in chunks unless it is bytes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        said = {"Content-Type": "application/json", "Authorization": bearer} | named
        with closing(http.client.HTTPConnection(urlsplit(site).netloc, timeout=20)) as connection:
            connection.request("POST", path, body, said)
            answer = connection.getresponse()
            assert answer.headers["Content-Type"] == "application/json"
            return answer.status, json.loads(answer.read()).get("error", "")

    return post


def padded(size: int) -> bytes:
    """A good body of that many bytes."""
    return GOOD.ljust(size)


def chunks(size: int) -> Iterator[bytes]:
    yield GOOD
    for _ in range((size - len(GOOD)) // MIB):
        yield b" " * MIB
    yield b" " * ((size - len(GOOD)) % MIB)


def bomb(size: int) -> bytes:
    """The gzip of a good body of that many bytes, made without holding them."""
    packer = zlib.compressobj(wbits=31)
    return b"".join([*map(packer.compress, chunks(size)), packer.flush()])


class TestLength:
    def test_a_body_may_be_as_long_as_is_said(self, post: Any) -> None:
        assert post(padded(MAX_BODY))[0] == 201
        assert post(chunks(MAX_BODY))[0] == 201
        assert post(bomb(MAX_BODY), Content_Encoding="gzip")[0] == 201

    @pytest.mark.parametrize("send", [padded, chunks])
    def test_a_byte_more_is_refused(self, post: Any, send: Any) -> None:
        status, error = post(send(MAX_BODY + 1))
        assert status == 413
        assert "12 MiB" in error
        assert not CostRecord.objects.exists()
        assert post(GOOD)[0] == 201

    @pytest.mark.parametrize("send", [padded, chunks])
    def test_much_more_is_refused_in_words_all_the_same(self, post: Any, send: Any) -> None:
        status, error = post(send(4 * MAX_BODY))
        assert (status, error) == (413, "The body is longer than 12 MiB.")

    def test_what_is_compressed_counts_as_long_as_it_is(self, post: Any) -> None:
        assert post(bomb(MAX_BODY + 1), Content_Encoding="gzip")[0] == 413

    def test_a_bomb_does_not_go_off(self, post: Any) -> None:
        packed = bomb(256 * MIB)
        post(GOOD)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert post(packed, Content_Encoding="gzip")[0] == 413
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown * 1024 < 5 * MAX_BODY
        assert not CostRecord.objects.filter(user_id="bomb").exists()


class TestEncoding:
    @pytest.mark.parametrize("name", ["gzip", "GZIP"])
    def test_gzip_is_taken(self, post: Any, name: str) -> None:
        assert post(gzip.compress(GOOD), Content_Encoding=name)[0] == 201
        assert post(iter([gzip.compress(GOOD)]), Content_Encoding=name)[0] == 201
        assert CostRecord.objects.count() == 2

    @pytest.mark.parametrize(
        "body",
        [
            gzip.compress(GOOD)[:-1],
            gzip.compress(GOOD)[:20],
            gzip.compress(GOOD)[:-8] + bytes(8),
            b"",
            GOOD,
            zlib.compress(GOOD),
            gzip.compress(GOOD) + b"and more",
        ],
        ids=["no end", "cut", "wrong sum", "empty", "plain", "zlib", "more behind"],
    )
    def test_what_is_no_whole_gzip_is_refused(self, post: Any, body: bytes) -> None:
        status, error = post(body, Content_Encoding="gzip")
        assert status == 400
        assert error
        assert not CostRecord.objects.exists()

    @pytest.mark.parametrize("name", ["br", "deflate", "zstd", "gzip, gzip", "nonsense"])
    def test_another_encoding_is_not_known(self, post: Any, name: str) -> None:
        status, error = post(GOOD, Content_Encoding=name)
        assert status == 415
        assert "gzip" in error

    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/x-www-form-urlencoded", "nonsense"]
    )
    def test_another_type_is_not_known(self, post: Any, kind: str) -> None:
        status, error = post(GOOD, Content_Type=kind)
        assert status == 415
        assert error

    def test_the_type_may_name_its_letters(self, post: Any) -> None:
        assert post(GOOD, Content_Type="application/json; charset=utf-8")[0] == 201


class TestJson:
    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (GOOD[:-1], "truncated"),
            (GOOD.replace(b", ", b",, ", 1), "(byte 18)"),
            (b"{user_id: 1}", "(byte 1)"),
            (GOOD + b"x", "trailing characters (byte 76)"),
            (b"", "Expected `object`"),
            (b"\xff\xfe", "malformed"),
            (GOOD.replace(b"ann", b"\xff"), "utf-8"),
            (GOOD.replace(b"1", b'"1"', 1), "$.input_tokens"),
            (GOOD.replace(b"1", b"1e99", 1), "$.input_tokens"),
        ],
    )
    def test_a_fault_is_told_with_its_place(self, post: Any, body: bytes, told: str) -> None:
        status, error = post(body)
        assert status == 400
        assert told in error
        assert not CostRecord.objects.exists()

    @pytest.mark.parametrize(
        ("path", "before", "behind"),
        [
            ("/api/usage", b"", b""),
            ("/api/usage", b'{"user_id": ', b"}"),
            ("/api/usage/batch", b'{"records": [', b"]}"),
            ("/api/usage/batch", b'{"records": [{"user_id": ', b"}]}"),
            ("/api/tasks", b'{"description": "d", "metadata": ', b"}"),
            ("/api/tool-calls", b'{"events": [{"parameters": ', b"}]}"),
            ("/api/hooks/claude-code", b'{"tool_input": ', b"}"),
        ],
    )
    @pytest.mark.parametrize("nest", [(b"[", b"]"), (b'{"a":', b"}")], ids=["lists", "objects"])
    def test_a_depth_that_nobody_means_is_refused(
        self, post: Any, path: str, before: bytes, behind: bytes, nest: tuple[bytes, bytes]
    ) -> None:
        depth = 200_000
        status, error = post(before + nest[0] * depth + b"1" + nest[1] * depth + behind, path)
        assert status == 400
        assert error
