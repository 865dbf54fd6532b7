"""What a person or a program may do to a document; nothing of it touches the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from docsviewer.models import Document

CHANGE = "docsviewer.change_document"


@dataclass(frozen=True)
class Step:
    """`carry_out` takes the path and notes. It raises Document.NotAllowed where the state does
    not allow the step, and records.faults.Invalid for the notes."""

    name: str
    label: str
    question: str
    done: str
    carry_out: Callable[[str, str], Document]


STEPS = {
    "archive": Step(
        "archive",
        "Archive",
        "Archive this document? It moves to the list Archive; its file stays as it is.",
        "The document is archived.",
        Document.objects.archive,
    ),
    "restore": Step(
        "restore",
        "Restore",
        "Restore this document? It moves back to the list of active ones.",
        "The document is active again.",
        Document.objects.restore,
    ),
}
