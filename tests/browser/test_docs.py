import os
import struct
from pathlib import Path
from typing import Any
from zlib import compress, crc32

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django import Settings

from docsviewer.models import Document
from tests.browser.looks import assert_accessible, assert_fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def picture(width: int, height: int) -> bytes:
    """A grey PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = compress((b"\0" + b"\x99" * width) * height)
    parts = [(b"IHDR", size), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


GUIDE = """\
---
owner: Operations
status: stable
---
# The guide to everything

A guide with `code`, **words**, a [link](notes/second.md#a-part), and https://example.org.

![A shot](shot.png)

## Lists

- [ ] to do
- [x] done

1. one
2. two

> [!WARNING]
> Mind the step.

## Code

```python
@decorated
def answer(x: int = 42) -> str:
    \"\"\"What it is.\"\"\"
    return f"{x}" + "no-spaces-" * 3 if x else None  # a comment, so that it scrolls
```

```diff
- old
+ new
```

```sh
curl -H "Authorization: Bearer $KEY" http://127.0.0.1:8000/api/docs/list | jq '.files[0]'
```

```json
{"a": [1, true, null], "b": "c"}
```

### A table

| name | what it says | much | more | and more |
|---|---|---:|:-:|---|
| a | words that take their room in a row of a table | 1 | 2 | 3 |
| b | `no-spaces-in-this-very-long-word-that-goes-on-and-on-and-on-and-on`|4 | 5 | 6 |

## Notes

See below.[^1]

[^1]: A footnote.
""" + "".join(f"\n## Part {n}\n\n{'Words and words. ' * 60}\n" for n in range(8))


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.DOCS_ROOT = [str(tmp_path)]
    (tmp_path / "notes").mkdir()
    (tmp_path / "guide.md").write_text(GUIDE)
    (tmp_path / "shot.png").write_bytes(picture(320, 120))
    (tmp_path / "notes/second.md").write_text("# Second\n\n## A part\n\nWhere the needle is.\n")
    (tmp_path / f"notes/{'long-' * 30}.txt").write_text("plain\n" + "no-spaces-" * 100)
    (tmp_path / "notes/latin.md").write_bytes(b"# Gr\xf6\xdfe\n")
    for n in range(60):
        (tmp_path / f"notes/{n:02}.md").write_text(f"# Note {n}\n")
        os.utime(tmp_path / f"notes/{n:02}.md", (n, n))
    Document.objects.archive("notes/00.md", "No longer so")
    return tmp_path


PAGES = [
    "/docs/",
    "/docs/?show=archived",
    "/docs/?q=needle",
    "/docs/?q=nothing-like-it",
    "/docs/guide.md",
    "/docs/guide.md?action=archive",
    "/docs/notes/00.md",
    "/docs/notes/latin.md",
    f"/docs/notes/{'long-' * 30}.txt",
]


class TestDocuments:
    def test_a_search_shows_its_hit_and_opens_it_by_key(
        self, quiet_page: Page, site: str, folder: Path
    ) -> None:
        quiet_page.goto(f"{site}/docs/")
        expect(quiet_page.locator(".paper")).to_have_count(50)
        quiet_page.get_by_role("searchbox").fill("needle")
        expect(quiet_page.locator(".paper")).to_have_count(1)
        expect(quiet_page.locator("mark")).to_have_text("needle")
        expect(quiet_page).to_have_url(f"{site}/docs/?show=active&q=needle")
        link = quiet_page.get_by_role("link", name="Second", exact=True)
        link.press("Enter")
        dialog = quiet_page.get_by_role("dialog")
        expect(dialog.get_by_role("heading", name="Second")).to_be_visible()
        quiet_page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(link).to_be_focused()

    def test_a_folder_of_the_tree_opens_a_document(
        self, quiet_page: Page, site: str, folder: Path
    ) -> None:
        quiet_page.goto(f"{site}/docs/")
        tree = quiet_page.get_by_role("navigation", name="Folders")
        expect(tree.get_by_role("link", name="second.md")).to_be_hidden()
        tree.locator("summary").press("Enter")
        tree.get_by_role("link", name="second.md").click()
        expect(quiet_page.get_by_role("dialog").get_by_text("Where the needle is")).to_be_visible()

    def test_it_works_without_script(
        self, browser: Any, signed_in: BrowserContext, site: str, folder: Path
    ) -> None:
        context = browser.new_context(java_script_enabled=False)
        context.add_cookies(signed_in.cookies())
        page = context.new_page()
        page.goto(f"{site}/docs/")
        page.get_by_role("searchbox").fill("needle")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Second", exact=True).click()
        page.get_by_role("link", name="Archive").click()
        page.get_by_role("button", name="Archive").click()
        expect(page.get_by_text("The document is archived.")).to_be_visible()
        context.close()


class TestDocument:
    def test_the_contents_lead_to_a_part(self, quiet_page: Page, site: str, folder: Path) -> None:
        quiet_page.goto(f"{site}/docs/guide.md")
        part = quiet_page.get_by_role("heading", name="Part 7")
        expect(part).not_to_be_in_viewport()
        contents = quiet_page.get_by_role("navigation", name="Contents")
        contents.get_by_role("link", name="Part 7").press("Enter")
        expect(part).to_be_in_viewport()

    def test_its_links_lead_to_the_part_of_another(
        self, quiet_page: Page, site: str, folder: Path
    ) -> None:
        quiet_page.goto(f"{site}/docs/guide.md")
        quiet_page.locator(".prose").get_by_role("link", name="link").click()
        expect(quiet_page).to_have_url(f"{site}/docs/notes/second.md#doc-a-part")
        expect(quiet_page.get_by_role("heading", name="A part")).to_be_visible()

    def test_its_pictures_are_shown(self, quiet_page: Page, site: str, folder: Path) -> None:
        quiet_page.goto(f"{site}/docs/guide.md")
        picture = quiet_page.get_by_role("img", name="A shot")
        expect(picture).to_be_visible()
        assert picture.evaluate("picture => picture.naturalWidth") > 0

    def test_it_is_archived_and_restored_on_its_page(
        self, quiet_page: Page, site: str, folder: Path
    ) -> None:
        quiet_page.goto(f"{site}/docs/guide.md")
        quiet_page.get_by_role("link", name="Archive").press("Enter")
        quiet_page.get_by_label("Notes").fill("Old")
        quiet_page.get_by_role("button", name="Archive").press("Enter")
        expect(quiet_page.get_by_text("The document is archived.")).to_be_visible()
        expect(quiet_page.locator(".pill")).to_have_text("Archived")
        expect(quiet_page.get_by_role("heading", level=1)).to_be_focused()
        quiet_page.get_by_role("link", name="Restore").click()
        quiet_page.get_by_role("button", name="Restore").click()
        expect(quiet_page.get_by_text("The document is active again.")).to_be_visible()
        assert (folder / "guide.md").read_text() == GUIDE

    def test_it_is_archived_in_the_dialog(self, quiet_page: Page, site: str, folder: Path) -> None:
        quiet_page.goto(f"{site}/docs/?q=needle")
        quiet_page.get_by_role("link", name="Second", exact=True).click()
        dialog = quiet_page.get_by_role("dialog")
        dialog.get_by_role("link", name="Archive").click()
        dialog.get_by_role("button", name="Archive").click()
        expect(dialog.get_by_text("The document is archived.")).to_be_visible()
        expect(quiet_page).to_have_url(f"{site}/docs/?q=needle")

    def test_code_is_coloured_in_light_and_dark(
        self, quiet_page: Page, site: str, folder: Path
    ) -> None:
        seen = set()
        for scheme in ("light", "dark"):
            quiet_page.emulate_media(color_scheme=scheme)
            quiet_page.goto(f"{site}/docs/guide.md")
            word = quiet_page.locator("pre .k").first
            seen.add(word.evaluate("word => getComputedStyle(word).color"))
            seen.add(quiet_page.locator("pre").first.evaluate("pre => getComputedStyle(pre).color"))
        assert len(seen) == 4


class TestLook:
    @pytest.mark.parametrize("scheme", ["dark"])
    def test_every_page_is_sound(
        self, quiet_page: Page, site: str, folder: Path, scheme: Any
    ) -> None:
        width = 375
        quiet_page.emulate_media(color_scheme=scheme)
        quiet_page.set_viewport_size({"width": width, "height": 800})
        for path in PAGES:
            quiet_page.goto(site + path)
            assert_fits(quiet_page, path)
            assert_accessible(quiet_page, path)

    def test_a_dialog_is_sound(self, quiet_page: Page, site: str, folder: Path) -> None:
        quiet_page.set_viewport_size({"width": 1440, "height": 800})
        quiet_page.goto(f"{site}/docs/")
        quiet_page.get_by_role("link", name="The guide to everything").click()
        expect(quiet_page.get_by_role("dialog").locator(".prose")).to_be_visible()
        assert_accessible(quiet_page)
