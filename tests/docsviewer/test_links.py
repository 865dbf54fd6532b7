import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsviewer.links import Links, bare_links

LINKS = Links("a/b/page.md", "", "/docs/")
NAMED = Links("notes/a/page.md", "notes/", "/docs/")


class TestTarget:
    @pytest.mark.parametrize(
        ("href", "target"),
        [
            ("other.md", "/docs/a/b/other.md"),
            ("./other.md", "/docs/a/b/other.md"),
            ("../other.txt", "/docs/a/other.txt"),
            ("../../other.md#Part%20one", "/docs/other.md#doc-Part%20one"),
            ("/guide.md?x=1#y", "/docs/guide.md#doc-y"),
            ("#part", "#doc-part"),
            ("a%20b.md", "/docs/a/b/a%20b.md"),
            ("100%25%3F%23.md", "/docs/a/b/100%25%3F%23.md"),
            ("\\\\evil.example/x.md", "/docs/a/b/%5C%5Cevil.example/x.md"),
            ("shot.PNG", "/docs/a/b/shot.PNG/image"),
            ("https://example.org/x?y#z", "https://example.org/x?y#z"),
            ("mailto:a@b.c", "mailto:a@b.c"),
        ],
    )
    def test_it_leads_out_or_to_a_file_of_the_folder(self, href: str, target: str) -> None:
        assert LINKS.target(href) == target

    @pytest.mark.parametrize(
        "href",
        [
            "../../../secret.md",
            "..%2f..%2f..%2fsecret.md",
            "%2e%2e/%2e%2e/%2e%2e/secret.md",
            "/../secret.md",
            "//evil.example/x.md",
            "javascript:alert(1)//x.md",
            "JavaScript:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x.md",
            "vbscript:x",
            "file:///etc/passwd",
            "http://[bad",
            "LICENSE",
            "folder/",
            "page.html",
            "",
            "#",
            "?x=1",
        ],
    )
    def test_all_else_leads_nowhere(self, href: str) -> None:
        assert LINKS.target(href) is None

    def test_no_link_leads_from_one_folder_to_another(self) -> None:
        assert NAMED.target("../b.md") == "/docs/notes/b.md"
        assert NAMED.target("/b.md") == "/docs/notes/b.md"
        assert NAMED.target("../../other/b.md") is None

    @given(st.text(st.sampled_from("./\\%2eEfF:jJdD#?aмд\n\0 md"), max_size=30))
    def test_whatever_is_written_stays_in_the_room(self, href: str) -> None:
        target = NAMED.target(href)
        assert target is None or target.startswith(("/docs/notes/", "#doc-"))
        assert not target or "/../" not in target


class TestPicture:
    @pytest.mark.parametrize(
        ("src", "address"),
        [
            ("i.png", "/docs/a/b/i.png/image"),
            ("../i.webp?raw#x", "/docs/a/i.webp/image"),
            ("i.svg", None),
            ("../../../i.png", None),
            ("https://example.org/i.png", None),
            ("//example.org/i.png", None),
            ("data:image/png;base64,i.png", None),
            ("http://[bad.png", None),
        ],
    )
    def test_only_those_of_the_folder_are_shown(self, src: str, address: str | None) -> None:
        assert LINKS.picture(src) == address


class TestBareLinks:
    @pytest.mark.parametrize(
        ("text", "label"),
        [
            ("see https://a.example.", "https://a.example"),
            ("(https://a.example/b_(c))", "https://a.example/b_(c)"),
            ("http://a.example/?q=1&r=2, and", "http://a.example/?q=1&r=2"),
            ("www.a.example!", "www.a.example"),
            ("<https://a.example>", "https://a.example"),
        ],
    )
    def test_an_address_ends_before_the_signs_of_its_sentence(self, text: str, label: str) -> None:
        assert [piece for piece, address in bare_links(text) if address] == [label]

    @pytest.mark.parametrize("text", ["xhttps://a", "ftp://a.b", "awww.b.c", "https://", "a@www.b"])
    def test_what_is_no_address_is_none(self, text: str) -> None:
        assert bare_links(text) == [(text, "")]

    @given(st.text(st.sampled_from("https://w.a )(*!\n<>"), max_size=60))
    def test_no_sign_is_lost(self, text: str) -> None:
        assert "".join(piece for piece, _ in bare_links(text)) == text
