import os
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from docsviewer import library as module
from docsviewer.library import library
from tests.docsviewer.conftest import Write

HIDDEN = [".env", ".secret.md", ".git/notes.md", "a/.b/c.md"]
OTHERS = ["page.html", "image.svg", "script.js", "guide", "guide.md.exe", "Makefile", "md"]


def paths() -> list[str]:
    return sorted(library().files)


class TestLibrary:
    def test_it_finds_documents_and_pictures_at_any_depth(self, write: Write) -> None:
        kept = ["a/b/c.md", "a/shot.PNG", "guide.md", "notes.TXT"]
        for path in [*kept, *HIDDEN, *OTHERS]:
            write(path)
        assert paths() == kept
        assert [file.path for file in library().documents] == ["guide.md", "notes.TXT", "a/b/c.md"]

    def test_a_file_tells_its_facts(self, write: Write) -> None:
        write("a/guide.md", "12345")
        file = library().files["a/guide.md"]
        assert (file.name, file.folder, file.size) == ("guide.md", "a", 5)
        assert f"{file.modified:%Y-%m-%d %H:%M %Z}" == "2026-03-15 12:00 UTC"

    def test_a_path_is_one_of_the_list_or_nothing(self, write: Write, folder: Path) -> None:
        file = write()
        write("shot.png")
        (folder.parent / "secret.md").write_text("secret")
        strange = [
            "../secret.md",
            "a/../guide.md",
            "./guide.md",
            "/guide.md",
            "guide.md/",
            str(file),
        ]
        strange += [
            "",
            ".",
            "..",
            "guide.md\0",
            "GUIDE.MD",
            "guide%2Emd",
            "..\\secret.md",
            "guide.md ",
        ]
        strange += [
            "CON",
            "con.md",
            "NUL",
            "/dev/stdin",
            "/proc/self/environ",
            "\udcff.md",
            "shot.png",
        ]
        assert [path for path in strange if library().document(path)] == []
        assert library().document("guide.md")
        assert library().picture("shot.png")
        assert library().picture("guide.md") is None

    def test_a_link_is_followed_within_the_folder_only(self, write: Write, folder: Path) -> None:
        write("real.md")
        write(".hidden/secret.md")
        write("page.html")
        outside = folder.parent / "outside.md"
        outside.write_text("secret")
        targets = {
            "inside.md": "real.md",
            "out.md": str(outside),
            "up.md": "../outside.md",
            "hidden.md": ".hidden/secret.md",
            "other.md": "page.html",
            "dead.md": "nothing.md",
            "loop.md": "loop.md",
            "there.md": "back.md",
            "back.md": "there.md",
            "device.md": "/dev/zero",
            "all": "..",
            "self": ".",
        }
        for name, target in targets.items():
            (folder / name).symlink_to(target)
        assert paths() == ["inside.md", "real.md"]
        assert library().left_out == 0

    def test_what_is_no_file_is_none(self, folder: Path) -> None:
        (folder / "folder.md").mkdir()
        os.mkfifo(folder / "pipe.md")
        assert paths() == []

    def test_a_folder_may_be_a_link_itself(
        self, write: Write, folder: Path, settings: Settings
    ) -> None:
        write()
        (folder.parent / "link").symlink_to(folder)
        settings.DOCS_ROOT = [str(folder.parent / "link")]
        assert paths() == ["guide.md"]

    @pytest.mark.parametrize("name", [b"\xff\xfe.md", b"two\nlines.md", b"bell\x07.md"])
    def test_it_counts_names_that_no_address_can_hold(self, folder: Path, name: bytes) -> None:
        (folder / os.fsdecode(name)).write_text("x")
        assert (paths(), library().left_out) == ([], 1)

    @pytest.mark.parametrize(
        "name", ["日本語 ünï.md", " spaced .md", "a?b#c&d%41.md", "\u202ename.md"]
    )
    def test_all_other_names_are_shown(self, write: Write, name: str) -> None:
        write(name)
        assert (paths(), library().left_out) == ([name], 0)

    def test_it_counts_what_cannot_be_read(self, write: Write, monkeypatch: Any) -> None:
        write("locked/a.md")
        write("open/a.md")
        scandir = os.scandir

        def refusing(place: str) -> Any:
            if place.endswith("locked"):
                raise PermissionError
            return scandir(place)

        monkeypatch.setattr(module.os, "scandir", refusing)
        assert (paths(), library().left_out) == (["open/a.md"], 1)

    def test_it_is_bounded(self, write: Write, monkeypatch: Any) -> None:
        monkeypatch.setattr(module, "MAX_FILES", 2)
        monkeypatch.setattr(module, "MAX_DEPTH", 1)
        for path in ["a.md", "b.md", "c.md", "deep/er/d.md"]:
            write(path)
        assert (len(paths()), library().left_out) == (2, 2)

    def test_a_missing_folder_is_told(self, folder: Path, settings: Settings) -> None:
        settings.DOCS_ROOT = [str(folder / "none")]
        assert library().missing == (str(folder / "none"),)
        assert paths() == []

    def test_several_folders_go_by_their_names(self, folder: Path, settings: Settings) -> None:
        roots = [folder / "x/docs", folder / "y/docs", folder / "notes"]
        for root in roots:
            root.mkdir(parents=True)
            (root / "guide.md").write_text(str(root))
        settings.DOCS_ROOT = [str(root) for root in roots] + [str(folder / "gone")]
        assert paths() == ["docs-2/guide.md", "docs/guide.md", "notes/guide.md"]
        assert library().missing == (str(folder / "gone"),)
        found = library().document("docs-2/guide.md")
        assert found
        assert found.read(1_000).decode() == str(roots[1])

    def test_without_any_folder_there_is_nothing(self, settings: Settings) -> None:
        settings.DOCS_ROOT = []
        assert (paths(), library().missing) == ([], ())
