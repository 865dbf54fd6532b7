from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.hook_logs import lines as lines_module
from sessions.hook_logs.lines import Place, lines


def texts(content: bytes, begin: Place | None = None) -> list[bytes]:
    return [line.text for line in lines(BytesIO(content), begin or Place(), len(content))]


class TestLines:
    def test_each_bears_its_number_and_the_place_behind_it(self) -> None:
        found = list(lines(BytesIO(b"one\n\nthree\n"), Place(), 11))
        assert [(line.number, line.text) for line in found] == [
            (1, b"one\n"),
            (2, b"\n"),
            (3, b"three\n"),
        ]
        assert [line.place.offset for line in found] == [4, 5, 11]

    def test_it_begins_where_it_stopped(self) -> None:
        begin = Place(4, 1)
        assert [line.number for line in lines(BytesIO(b"one\ntwo\n"), begin, 8)] == [2]

    def test_a_last_line_without_a_newline_has_no_end(self) -> None:
        *_, last = lines(BytesIO(b"one\ntwo"), Place(), 7)
        assert (last.text, last.ended) == (b"two", False)

    def test_the_rest_of_a_line_read_without_its_newline_bears_its_number(self) -> None:
        first, second = lines(BytesIO(b"one!\ntwo\n"), Place(3, 1), 9)
        assert (first.number, first.goes_on, first.text) == (1, True, b"!\n")
        assert (second.number, second.goes_on) == (2, False)

    def test_what_grew_behind_the_end_that_was_asked_for_is_left(self) -> None:
        assert [line.text for line in lines(BytesIO(b"one\ntwo\n"), Place(), 6)] == [b"one\n"]

    def test_a_file_that_was_cut_off_meanwhile_ends_there(self) -> None:
        assert [line.text for line in lines(BytesIO(b"one\n"), Place(), 99)] == [b"one\n"]

    def test_of_a_line_too_long_only_the_beginning_is_kept(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lines_module, "LONGEST", 5)
        content = b"12345\n123456\n" + b"x" * 40 + b"\nlast\n"
        found = list(lines(BytesIO(content), Place(), len(content)))
        assert [line.too_long for line in found] == [True, True, True, False]
        assert [line.number for line in found] == [1, 2, 3, 4]
        assert max(len(line.text) for line in found) <= 6
        assert found[-1].text == b"last\n"

    @given(
        content=st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n"]), max_size=30),
        cut=st.integers(0, 30),
    )
    def test_two_readings_find_what_one_finds(self, content: list[bytes], cut: int) -> None:
        whole = b"".join(content)
        places = [Place(), *(line.place for line in lines(BytesIO(whole), Place(), len(whole)))]
        begin = places[cut % len(places)]
        rest = list(lines(BytesIO(whole), begin, len(whole)))
        assert whole[begin.offset :] == b"".join(line.text for line in rest)
        assert [line.place for line in rest] == places[cut % len(places) + 1 :]
