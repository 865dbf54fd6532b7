"""What the page of one document shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.urls import reverse

from docsviewer.cache import Cache
from docsviewer.library import File
from docsviewer.links import Links
from docsviewer.models import Document
from docsviewer.rendering import Rendered, render
from docsviewer.steps import STEPS, Step
from docsviewer.texts import Unreadable, read, title_of
from docsviewer.wording import plain

LAID_OUT = 400_000  # characters; what is longer would keep its reader waiting
LONG = "This document is too long to be laid out, so it is shown as plain text."
FOREIGN = "This file is no text in UTF-8: the signs that could not be read are shown as �."


@dataclass(frozen=True)
class Body:
    """The document laid out, or its plain `text`; `fault` says what is wrong with it."""

    rendered: Rendered | None = None
    text: str = ""
    fault: str = ""

    @property
    def weight(self) -> int:
        return len(self.rendered.html) if self.rendered else len(self.text)


BODIES: Cache[Body] = Cache(32 * 2**20, lambda body: body.weight)


def body(file: File) -> Body:
    """The document as it is shown. Raises OSError where its file is gone."""
    return BODIES.get((file.path, file.version), lambda: _body(file))


def _body(file: File) -> Body:
    try:
        text, is_whole = read(file)
    except Unreadable as reason:
        return Body(fault=str(reason))
    fault = "" if is_whole else FOREIGN
    if file.path.lower().endswith(".txt"):
        return Body(text=text, fault=fault)
    if len(text) > LAID_OUT:
        return Body(text=text, fault=fault or LONG)
    links = Links(file.path, file.root, reverse("documents"))
    return Body(render(text, links), fault=fault)


@dataclass(frozen=True)
class DocumentDetail:
    """A document with its state, the step that is asked about, and what came of the last one."""

    file: File
    body: Body
    may_change: bool
    action: str = ""
    notice: str = ""
    refusal: str = ""

    @cached_property
    def known(self) -> Document | None:
        return Document.objects.select_related("task").filter(path=self.file.path).first()

    @property
    def is_archived(self) -> bool:
        return self.known is not None and self.known.is_archived

    @property
    def url(self) -> str:
        return reverse("document", args=[self.file.path])

    @property
    def title(self) -> str:
        rendered = self.body.rendered
        return title_of(self.file) if rendered is None else rendered.title or title_of(self.file)

    @property
    def path(self) -> str:
        return plain(self.file.path)

    @property
    def name(self) -> str:
        return plain(self.file.name)

    @property
    def offered(self) -> Step | None:
        """The step that fits the state of the document, for who may take it."""
        fitting = STEPS["restore" if self.is_archived else "archive"]
        return fitting if self.may_change else None

    @property
    def asked(self) -> Step | None:
        """The step to be confirmed."""
        offered = self.offered
        return offered if offered and offered.name == self.action else None
