"""What the page of all documents shows: a list, newest first, and the tree of their folders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from django.core.paginator import Page, Paginator
from django.urls import reverse

from docsviewer.library import File, Library, library
from docsviewer.models import Document
from docsviewer.selection import SHOWN, Selection
from docsviewer.texts import Part, excerpt, holds, marked, names, title_of, words_of
from docsviewer.wording import plain

A_PAGE = 50
SMALL_TREE = 40  # documents up to which all folders are open
MANY = 2_000  # documents above which a folder shows but a few
IN_FOLDER, FEW = 100, 5


@dataclass(frozen=True)
class Row:
    """A document in the list, with the words that were searched for marked."""

    file: File
    words: list[str]
    known: Document | None

    @property
    def url(self) -> str:
        return reverse("document", args=[self.file.path])

    @property
    def title(self) -> list[Part]:
        return marked(title_of(self.file), self.words)

    @property
    def path(self) -> list[Part]:
        return marked(plain(self.file.path), self.words)

    @property
    def excerpt(self) -> list[Part]:
        return excerpt(self.file, self.words)

    @property
    def is_archived(self) -> bool:
        return self.known is not None and self.known.is_archived


@dataclass(frozen=True)
class Tab:
    label: str
    query: str
    count: int
    is_current: bool


@dataclass
class Folder:
    """A folder of the tree: the folders and files in it, of which the tree shows `most`."""

    name: str
    path: str = ""
    most: int = IN_FOLDER
    is_open: bool = True
    folders: dict[str, Folder] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    count: int = 0

    @property
    def label(self) -> str:
        return plain(self.name)

    @property
    def children(self) -> list[Folder]:
        return [self.folders[name] for name in sorted(self.folders)]

    @property
    def leaves(self) -> list[tuple[str, str]]:
        """The name and address of each file that is shown."""
        shown = sorted(self.files, key=lambda file: file.name)[: self.most]
        return [(plain(file.name), reverse("document", args=[file.path])) for file in shown]

    @property
    def more(self) -> int:
        return max(0, len(self.files) - self.most)

    def at(self, path: str) -> Folder:
        """The folder at a path below this one, made where it is missing."""
        here = self
        for name in path.split("/") if path else []:
            below = f"{here.path}/{name}" if here.path else name
            fresh = Folder(name, below, self.most, self.is_open)
            here = here.folders.setdefault(name, fresh)
        return here


def tree(files: Iterable[File]) -> Folder:
    files = list(files)
    most = IN_FOLDER if len(files) <= MANY else FEW
    root = Folder("", "", most, len(files) <= SMALL_TREE)
    for file in files:
        root.at(file.folder).files.append(file)
    _count(root)
    return root


def _count(folder: Folder) -> int:
    folder.count = len(folder.files) + sum(map(_count, folder.folders.values()))
    return folder.count


@dataclass(frozen=True)
class Listing:
    selection: Selection

    @cached_property
    def library(self) -> Library:
        return library()

    @cached_property
    def known(self) -> dict[str, Document]:
        return Document.objects.known()

    @cached_property
    def words(self) -> list[str]:
        return words_of(self.selection.text)

    def is_archived(self, file: File) -> bool:
        return file.path in self.known and self.known[file.path].is_archived

    @cached_property
    def found(self) -> list[File]:
        """What the search finds in all lists: by their names first, then newest first."""
        files = sorted(self.library.documents, key=lambda file: (-file.modified_ns, file.path))
        if not self.words:
            return files
        held = [file for file in files if holds(file, self.words)]
        return sorted(held, key=lambda file: not names(file, self.words))

    @property
    def tabs(self) -> list[Tab]:
        archived = sum(map(self.is_archived, self.found))
        counts = {"active": len(self.found) - archived, "archived": archived}
        chosen, query = self.selection.show, self.selection.query
        return [
            Tab(label, query(show=show), counts.get(show, len(self.found)), show == chosen)
            for show, label in SHOWN.items()
        ]

    @cached_property
    def shown(self) -> list[File]:
        return [file for file in self.found if self.selection.holds(self.is_archived(file))]

    @cached_property
    def page(self) -> Page[File]:
        """The page that is asked for, or else the last one."""
        return Paginator(self.shown, A_PAGE).get_page(self.selection.page)

    @property
    def rows(self) -> list[Row]:
        return [Row(file, self.words, self.known.get(file.path)) for file in self.page]

    @property
    def previous(self) -> str:
        page = self.page
        return self.selection.query(page=page.previous_page_number()) if page.has_previous() else ""

    @property
    def next(self) -> str:
        page = self.page
        return self.selection.query(page=page.next_page_number()) if page.has_next() else ""

    @property
    def unsearched(self) -> str:
        return self.selection.query(q="")

    @property
    def everywhere(self) -> str:
        """Where the same is shown of all lists, if there is more than here."""
        return self.selection.query(show="all") if self.found else ""

    @property
    def tree(self) -> Folder:
        """The folders of the chosen list, whatever is searched for."""
        files = self.library.documents
        return tree(file for file in files if self.selection.holds(self.is_archived(file)))
