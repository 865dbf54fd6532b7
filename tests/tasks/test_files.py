import pytest

from tasks.files import MAX_NAME, MAX_SIZE, recognized

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 8


class TestRecognized:
    @pytest.mark.parametrize(
        ("content", "media_type"),
        [
            (PNG, "image/png"),
            (b"\xff\xd8\xff\xe0", "image/jpeg"),
            (b"GIF87a", "image/gif"),
            (b"GIF89a", "image/gif"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ],
    )
    @pytest.mark.parametrize("name", ["a.png", "a.txt", "a.html", "a"])
    def test_a_picture_is_known_by_its_first_bytes_whatever_its_name(
        self, content: bytes, media_type: str, name: str
    ) -> None:
        assert recognized(name, content) == ("screenshot", media_type)

    @pytest.mark.parametrize(
        ("name", "media_type"),
        [
            ("plan.md", "text/markdown"),
            ("PLAN.MD", "text/markdown"),
            ("a.b.txt", "text/plain"),
            ("run.log", "text/plain"),
            ("../../etc/notes.txt", "text/plain"),
        ],
    )
    @pytest.mark.parametrize("content", [b"", b"hello", "grüße €".encode(), b"<script>"])
    def test_text_is_known_by_its_name_and_by_being_text(
        self, name: str, media_type: str, content: bytes
    ) -> None:
        assert recognized(name, content) == ("document", media_type)

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.txt", b"\xff\xfe"),
            ("a.txt", b"a\0b"),
            ("a.md", "é".encode("latin-1")),
            ("a.html", b"<html>"),
            ("a.svg", b"<svg onload='alert(1)'>"),
            ("a.png", b"no picture"),
            ("a.png", PNG[:7]),
            ("a.webp", b"RIFF\0\0\0\0WAVE"),
            ("a.pdf", b"%PDF-1.7"),
            ("txt", b"hello"),
            (".txt", b"hello"),
            ("a", b""),
        ],
    )
    def test_what_a_page_could_not_show_safely_is_refused(self, name: str, content: bytes) -> None:
        with pytest.raises(ValueError, match=r"only pictures .* and text in UTF-8"):
            recognized(name, content)

    @pytest.mark.parametrize("name", ["", "a\n.txt", "a\0.txt", "a\x1b.txt", "‮a.txt"])
    def test_a_name_that_cannot_be_printed_is_refused(self, name: str) -> None:
        with pytest.raises(ValueError, match="1 to 200 printable characters"):
            recognized(name, PNG)

    def test_the_longest_name_is_taken_and_a_longer_one_refused(self) -> None:
        assert recognized("a" * MAX_NAME, PNG)
        with pytest.raises(ValueError, match="1 to 200 printable characters"):
            recognized("a" * (MAX_NAME + 1), PNG)

    def test_the_largest_file_is_taken_and_a_larger_one_refused(self) -> None:
        assert recognized("a.txt", b"a" * MAX_SIZE)
        with pytest.raises(ValueError, match=r"a\.txt: a file has at most 10 MiB"):
            recognized("a.txt", b"a" * (MAX_SIZE + 1))
