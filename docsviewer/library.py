"""The files under DOCS_ROOT that may be shown, and no others.

A path that somebody asks for is never handed to the file system: it is looked up among the paths
of the files found by walking the folders. So whatever is not listed does not exist.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from django.conf import settings

DOCUMENTS = (".md", ".txt")
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
MAX_FILES = 10_000
MAX_DEPTH = 32
NS = 10**9


@dataclass(frozen=True, slots=True)
class File:
    """A file that may be shown.

    `path` is what it is known by: relative to its root, with the name of the root before it where
    there are several (`root`, which ends with a slash; else blank). `place` is where it lies.
    """

    path: str
    root: str
    place: str
    size: int
    modified_ns: int

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The path of the folder it lies in; blank for the root."""
        return self.path.rpartition("/")[0]

    @property
    def modified(self) -> datetime:
        return datetime.fromtimestamp(self.modified_ns // NS, UTC)

    @property
    def version(self) -> tuple[str, int, int]:
        """What differs whenever its content may."""
        return self.place, self.modified_ns, self.size

    def is_of(self, suffixes: tuple[str, ...]) -> bool:
        return self.path.lower().endswith(suffixes)

    def read(self, most: int) -> bytes:
        """Its content, cut after `most` bytes. Raises OSError where it is gone or withheld."""
        with Path(self.place).open("rb") as file:
            return file.read(most)


@dataclass(frozen=True)
class Library:
    """What was found: the files by their path, the roots that are no folders, and how many files
    and folders had to be left out, as they cannot be read or named, or are too many."""

    files: Mapping[str, File]
    missing: tuple[str, ...]
    left_out: int

    @cached_property
    def documents(self) -> list[File]:
        return [file for file in self.files.values() if file.is_of(DOCUMENTS)]

    def document(self, path: str) -> File | None:
        return self._find(path, DOCUMENTS)

    def picture(self, path: str) -> File | None:
        return self._find(path, PICTURES)

    def _find(self, path: str, suffixes: tuple[str, ...]) -> File | None:
        file = self.files.get(path)
        return file if file and file.is_of(suffixes) else None


def library() -> Library:
    """The files as they are now."""
    walk, missing = Walk(), []
    for root, folder in roots().items():
        if folder.is_dir():
            walk.through(root, folder)
        else:
            missing.append(str(folder))
    return Library(walk.files, tuple(missing), walk.left_out)


def roots() -> dict[str, Path]:
    """The folders of DOCS_ROOT by what goes before their paths: nothing where there is but one."""
    folders = [Path(folder).absolute() for folder in settings.DOCS_ROOT]
    if len(folders) == 1:
        return {"": folders[0]}
    named: dict[str, Path] = {}
    for folder in folders:
        alike = sum(known.name == folder.name for known in named.values())
        named[f"{folder.name}-{alike + 1}/" if alike else f"{folder.name}/"] = folder
    return named


@dataclass
class Walk:
    files: dict[str, File] = field(default_factory=dict)
    left_out: int = 0

    def through(self, root: str, folder: Path) -> None:
        """Note the files below `folder`. Folders that are links are not entered."""
        base = folder.resolve()
        todo = [(str(base), root)]
        while todo:
            place, prefix = todo.pop()
            for entry in self.entries(place):
                path = prefix + entry.name
                if not entry.is_dir(follow_symlinks=False):
                    self.note(entry, path, root, base)
                elif path.count("/") < MAX_DEPTH:
                    todo.append((entry.path, f"{path}/"))
                else:
                    self.left_out += 1

    def entries(self, place: str) -> Iterator[os.DirEntry[str]]:
        """What lies in a folder, but for what is hidden or has a name that no address can hold."""
        try:
            with os.scandir(place) as found:
                entries = [entry for entry in found if not entry.name.startswith(".")]
        except OSError:
            self.left_out += 1
            return
        for entry in entries:
            if is_nameable(entry.name):
                yield entry
            else:
                self.left_out += 1

    def note(self, entry: os.DirEntry[str], path: str, root: str, base: Path) -> None:
        if not path.lower().endswith(DOCUMENTS + PICTURES):
            return
        try:
            place = contained(entry.path, base) if entry.is_symlink() else entry.path
            facts = entry.stat()
        except (OSError, RuntimeError):  # it is gone, or a link that leads to itself
            return
        if not place or not stat.S_ISREG(facts.st_mode):
            return
        if len(self.files) < MAX_FILES:
            self.files[path] = File(path, root, place, facts.st_size, facts.st_mtime_ns)
        else:
            self.left_out += 1


def is_nameable(name: str) -> bool:
    """Whether an address can hold it: text in UTF-8, without control characters."""
    if name.isascii():
        return name.isprintable()
    return not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name)


def contained(link: str, base: Path) -> str:
    """Where a link leads, if that is a file of the kinds shown, not hidden and below `base`."""
    target = Path(link).resolve(strict=True)
    if not target.is_relative_to(base) or target.suffix.lower() not in DOCUMENTS + PICTURES:
        return ""
    hidden = any(part.startswith(".") for part in target.relative_to(base).parts)
    return "" if hidden else str(target)
