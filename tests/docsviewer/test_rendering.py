import re
from html.parser import HTMLParser
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docsviewer import rendering
from docsviewer.links import Links
from docsviewer.markdown import LONGEST_PARAGRAPH
from docsviewer.rendering import Rendered

LINKS = Links("a/page.md", "", "/docs/")
ALLOWED = set(rendering.TAGS.split())


def render(text: str) -> Rendered:
    return rendering.render(text, LINKS)


def html(text: str) -> str:
    return str(render(text).html).strip()


class Harm(HTMLParser):
    """Whatever in a page could act or be fetched from elsewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED:
            self.found.append(tag)
        for name, value in attrs:
            if name.startswith(("on", "style", "hx-", "data-", "form", "target")):
                self.found.append(name)
            if name == "href" and not re.match("https?://|mailto:|/docs/|#", value or ""):
                self.found.append(f"{name}={value}")
            if name == "src" and not re.fullmatch("/docs/.+/image", value or ""):
                self.found.append(f"{name}={value}")
            if name == "id":
                self.ids.append(value or "")

    def handle_comment(self, data: str) -> None:
        self.found.append(data)


HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example></SCRIPT >",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "![x](evil.svg)",
    "<iframe src=javascript:alert(1)></iframe>",
    "<style>*{display:none}</style>",
    "<a href=javascript:alert(1) style=x>a</a>",
    "<details ontoggle=alert(1) open><summary>x</summary></details>",
    "<div id=detail hx-get=/logout/>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt&#58;alert(1))",
    "[a](\x01javascript:alert(1))",
    "[a](java&#10;script:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](vbscript:msgbox)",
    "[a](//evil.example)",
    "[a][b]\n\n[b]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "![a](javascript:alert(1))",
    "![a](data:image/svg+xml,<svg/onload=alert(1)>)",
    "![a](https://evil.example/track.png)",
    '[a](https://x.example "t\\" onclick=alert(1) x=\\"")',
    '!["><script>alert(1)</script>](i.png "\'\\" onerror=alert(1)")',
    '# "><script>alert(1)</script>\n\n## <img src=x onerror=alert(1)>',
    '```"><script>alert(1)</script>\nx\n```',
    "```html\n<script>alert(1)</script>\n```",
    "`<script>`",
    "| <script>alert(1)</script> |\n|---|\n| <img onerror=alert(1)> |",
    '[^"><script>]\n\n[^"><script>]: <script>alert(1)</script>',
    "<!-- <script>alert(1)</script> -->",
    "<!--> <script>alert(1)</script> -->",
    "<!-- never closed <script>",
    "---\nt: <script>alert(1)</script>\n---\n# x",
    "> [!NOTE]\n> <script>alert(1)</script>",
    "- [x] <script>alert(1)</script>",
    'https://evil.example/"onmouseover=alert(1)',
    "www.evil.example/<script>alert(1)</script>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "\u202e<script>\u202c",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]


class TestHarm:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_nothing_hostile_is_left(self, text: str) -> None:
        assert Harm(html(text)).found == []

    def test_the_whole_of_it_together_is_harmless_too(self) -> None:
        assert Harm(html("\n\n".join(HOSTILE))).found == []

    @given(
        st.lists(st.sampled_from([*HOSTILE, "[", "](", ")", "`", "*", "\n", "> ", "- ", "<", '"']))
    )
    def test_no_mixture_does_harm(self, parts: list[str]) -> None:
        assert Harm(html("".join(parts))).found == []

    @pytest.mark.parametrize(
        "text", ["<script>alert(1)</script>", "<b onclick=x>", "<!doctype html>"]
    )
    def test_what_looks_like_html_is_read_as_it_was_written(self, text: str) -> None:
        assert html(text) == f"<p>{text.replace('<', '&lt;').replace('>', '&gt;')}</p>"

    def test_the_second_lock_holds_without_the_first(self) -> None:
        cleaned = [rendering.CLEANER.clean(text) for text in HOSTILE]
        assert {harm for page in cleaned for harm in Harm(page).found} == {"src=x"}
        assert rendering.CLEANER.clean("<p onclick=x style=y id=z>a</p>") == "<p>a</p>"

    def test_ids_collide_neither_with_each_other_nor_with_the_page(self) -> None:
        names = ["Detail", "Main", "Main", "Main-1", "fn1", "doc-main", "!!!", "???"]
        text = "\n".join(f"# {name}" for name in names)
        rendered = render(f"{text}\n\n[^1] [^1]\n\n[^1]: x")
        ids = [rendered.anchor, *Harm(str(rendered.html)).ids]
        assert len(ids) == len(set(ids)) == 11
        assert all(name.startswith(("doc-", "fn")) for name in ids)
        assert "doc-fn1" in ids


class TestTime:
    """Each of these once took the square of its length, or more."""

    @pytest.mark.parametrize(
        "text",
        [
            "[^a]: x\n\n" + "[^" * 25_000,
            "http:" * 10_000,
            ":" * 50_000,
            "[" * 50_000,
            "> " * 25_000,
            "- " * 25_000,
            "> - " * 12_000 + "a",
            "# a\n" * 12_000,
            "a\n" * 25_000,
            "<!--" * 12_000,
            "<!--\n" * 10_000,
            "www.a" + ")" * 50_000,
            "```python\n" + "  \n" * 16_000 + "```",
            "|a" * 3_000 + "|\n" + "|-" * 3_000 + "|\n" + "|x|\n" * 10_000,
        ],
        ids=range(14),
    )
    def test_it_grows_with_the_length_alone(self, text: str) -> None:
        begun = thread_time()  # of the processor, however busy the machine is
        render(text)
        assert thread_time() - begun < 8


class TestDialect:
    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("**a** _b_ ~~c~~ `d`", "<strong>a</strong> <em>b</em> <s>c</s> <code>d</code>"),
            ("> [!TIP]\n> Look", '<p class="markdown-alert-title">Tip</p>'),
            ("a https://b.example.", '<a href="https://b.example" rel="noopener noreferrer">'),
            ("`https://b.example`", "<code>https://b.example</code>"),
            ("[www.b.example](c.md)", '<a href="/docs/a/c.md">www.b.example</a>'),
            ('[b](c.md "Words")', '<a href="/docs/a/c.md" title="Words">b</a>'),
            ("[b](LICENSE)", "<p>b</p>"),
            ("[b](#part)", '<a href="#doc-part">b</a>'),
            ("![b](c.png)", '<img src="/docs/a/c.png/image" alt="b" loading="lazy">'),
            ("![b](c.svg)", "<p>b</p>"),
            ("![](data:image/png;base64,AA)", "<p>picture</p>"),
            (
                "![b](https://c.example/d.svg)",
                '<a href="https://c.example/d.svg" rel="noopener noreferrer">b</a>',
            ),
            ("[![b](https://c.example/d.svg)](e.md)", '<a href="/docs/a/e.md">b</a>'),
            ("    code", '<pre tabindex="0"><code>code\n</code></pre>'),
            ("```py\nx = 1\n```", '<span class="n">x</span>'),
            ("```klingon\nx = 1\n```", '<pre tabindex="0"><code>x = 1\n</code></pre>'),
            ("a <!-- b\nc --> d", "<p>a  d</p>"),
            ("<!-- a\n\nb -->\nc", "<p>c</p>"),
            ("<!-- a --> b", "<p>b</p>"),
            ("> <!-- a\n\nb", "<p>b</p>"),
            ("`<!-- a -->`", "<code>&lt;!-- a --&gt;</code>"),
            ("<!-- a", "<p>&lt;!-- a</p>"),
        ],
    )
    def test_it_is_laid_out(self, text: str, part: str) -> None:
        assert part in html(text)

    def test_a_task_list_says_what_is_done(self) -> None:
        laid_out = html("- [ ] a\n- [x] b\n- c")
        assert laid_out.count("<input") == 2
        assert re.search('aria-label="To do"[^>]*disabled=""[^>]*> a', laid_out)
        assert re.search('aria-label="Done"[^>]*checked=""[^>]*> b', laid_out)

    def test_a_table_can_be_scrolled_by_key_and_keeps_its_sides(self) -> None:
        laid_out = html("| a | b |\n|:-:|--:|\n| 1 | <2> |")
        assert laid_out.startswith(
            '<div class="table" role="group" aria-label="Table" tabindex="0">'
        )
        assert '<td class="center">1</td>\n<td class="right">&lt;2&gt;</td>' in laid_out
        assert "style" not in laid_out

    def test_a_footnote_leads_there_and_back(self) -> None:
        laid_out = html("a[^x] b[^none]\n\n[^x]: Note")
        assert '<a href="#fn1" id="fnref1">[1]</a>' in laid_out
        assert '<li id="fn1" class="footnote-item"><p>Note <a href="#fnref1"' in laid_out
        assert "b[^none]" in laid_out

    def test_a_very_long_paragraph_is_plain_text(self) -> None:
        assert "<em>" in html("*a* " * (LONGEST_PARAGRAPH // 4 - 1))
        assert "<em>" not in html("*a* " * (LONGEST_PARAGRAPH // 4 + 1))

    def test_code_is_marked_up_within_bounds(self) -> None:
        fence = "```py\n" + "x = 1\n" * 1_000 + "```\n"
        assert html(fence).count("<span") == 3_000
        assert html("```py\n" + "x = 1\n" * 2_000 + "```").count("<span") == 0
        assert html(fence * 11).count("<span") == 30_000


class TestHeadings:
    def told(self, text: str) -> list[tuple[int, str, str]]:
        return [(part.level, part.text, part.anchor) for part in render(text).headings]

    def test_the_first_one_is_the_title(self) -> None:
        rendered = render("# A `b` *c*\n\ntext\n\n## Part")
        assert (rendered.title, rendered.anchor) == ("A b c", "doc-a-b-c")
        assert rendered.html == '<p>text</p>\n<h2 id="doc-part">Part</h2>\n'
        assert render("text\n\n# Later").title == ""

    def test_none_is_skipped_and_none_is_above_the_title(self) -> None:
        assert self.told("# T\n### a\n###### b\n## c\n# d\n### e") == [
            (2, "a", "doc-a"),
            (3, "b", "doc-b"),
            (3, "c", "doc-c"),
            (2, "d", "doc-d"),
            (3, "e", "doc-e"),
        ]
        assert html("#### a") == '<h2 id="doc-a">a</h2>'

    def test_the_contents_are_bounded(self) -> None:
        rendered = render("# T\n" + "## a\n" * 250)
        assert (len(rendered.contents), rendered.more_headings) == (200, 50)

    def test_front_matter_is_told_apart(self) -> None:
        rendered = render("---\nstatus: done\n---\n# T\n\ntext")
        assert rendered.facts == (("status", "done"),)
        assert (rendered.title, rendered.html) == ("T", "<p>text</p>\n")
        assert render("text\n\n---\na: b\n---\n").facts == ()

    def test_nothing_is_nothing(self) -> None:
        assert render("") == Rendered(render("").html)
        assert html("<!-- only a comment -->") == ""
