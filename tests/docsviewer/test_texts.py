import pytest

from docsviewer.library import File, library
from docsviewer.texts import (
    MAX_SIZE,
    Part,
    Unreadable,
    excerpt,
    marked,
    read,
    strictly,
    text_of,
    title_of,
)
from tests.docsviewer.conftest import Write


def file(write: Write, content: str | bytes, path: str = "guide.md") -> File:
    write(path, content)
    return library().files[path]


def words(parts: list[Part]) -> str:
    return "".join(f"[{part.text}]" if part.is_hit else part.text for part in parts)


class TestRead:
    @pytest.mark.parametrize(
        ("content", "text", "is_whole"),
        [
            ("Größe", "Größe", True),
            (b"\xef\xbb\xbfA", "A", True),
            (b"a\0b", "a\ufffdb", True),
            ("Größe".encode("latin-1"), "Gr\ufffd\ufffde", False),
            (b"\x80\xff", "\ufffd\ufffd", False),
        ],
    )
    def test_it_says_whether_it_is_text(
        self, write: Write, content: str | bytes, text: str, is_whole: bool
    ) -> None:
        assert read(file(write, content)) == (text, is_whole)

    def test_it_is_bounded(self, write: Write) -> None:
        assert len(read(file(write, "x" * MAX_SIZE))[0]) == MAX_SIZE
        with pytest.raises(Unreadable, match=r"guide\.md is too long: at most 4 MiB"):
            read(file(write, "x" * (MAX_SIZE + 1)))

    def test_a_program_gets_utf_8_or_nothing(self, write: Write) -> None:
        assert strictly(file(write, "Größe")) == "Größe"
        with pytest.raises(Unreadable, match=r"guide\.md is no text in UTF-8"):
            strictly(file(write, b"\xff"))


class TestTextOf:
    def test_a_change_is_seen_and_nothing_is_read_twice(self, write: Write) -> None:
        first = file(write, "# One")
        assert text_of(first).title == "One"
        write(content="# Two", ago=1)
        assert text_of(library().files["guide.md"]).title == "Two"
        write(content="# Three").unlink()
        assert text_of(first).lowered == "# one"

    def test_what_cannot_be_read_is_known_by_its_name(self, write: Write) -> None:
        gone = file(write, "# Gone", "a/gone.md")
        write("a/gone.md").unlink()
        assert title_of(gone) == "gone.md"

    def test_a_text_goes_by_its_name(self, write: Write) -> None:
        assert title_of(file(write, "# Not a heading", "notes.txt")) == "notes.txt"


class TestMarked:
    @pytest.mark.parametrize(
        ("text", "sought", "told"),
        [
            ("A guide", [], "A guide"),
            ("A guide to guides", ["guide"], "A [guide] to [guide]s"),
            ("GuIde", ["guide"], "[GuIde]"),
            ("a.b", [".", "(", "*"], "a[.]b"),
            ("overlap", ["over", "overlap"], "[overlap]"),
            ("", ["a"], ""),
        ],
    )
    def test_hits_stand_out(self, text: str, sought: list[str], told: str) -> None:
        assert words(marked(text, sought)) == told


class TestExcerpt:
    def test_it_shows_the_first_hit_on_one_line(self, write: Write) -> None:
        text = f"# Guide\n\n{'before ' * 40}\nthe\n**Needle** is here. {'after ' * 60}"
        told = words(excerpt(file(write, text), ["needle"]))
        assert told.startswith("…ore before")
        assert "the **[Needle]** is here." in told
        assert told.endswith("…")
        assert len(told) < 260

    def test_without_a_hit_there_is_nothing(self, write: Write) -> None:
        found = file(write, "text")
        assert excerpt(found, ["guide"]) == excerpt(found, []) == []

    def test_a_file_that_is_gone_has_none(self, write: Write) -> None:
        found = file(write, "text")
        write().unlink()
        assert excerpt(found, ["text"]) == []
