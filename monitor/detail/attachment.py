from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tasks.models import Attachment

LONGEST_TEXT = 200_000  # characters


@dataclass(frozen=True)
class AttachmentDetail:
    """A picture or text of a task, among the others of its kind in the order of their arrival."""

    attachment: Attachment

    @property
    def is_picture(self) -> bool:
        return self.attachment.kind == Attachment.Kind.SCREENSHOT

    @cached_property
    def series(self) -> list[int]:
        alike = self.attachment.task.attachments.filter(kind=self.attachment.kind)
        return list(alike.order_by("created_at", "id").values_list("id", flat=True))

    @property
    def place(self) -> int:
        """Which of the series it is, from 1."""
        return self.series.index(self.attachment.pk) + 1

    @property
    def before(self) -> int | None:
        return self.series[self.place - 2] if self.place > 1 else None

    @property
    def after(self) -> int | None:
        return self.series[self.place] if self.place < len(self.series) else None

    @cached_property
    def text(self) -> str | None:
        """The document, cut where it is very long; None when its file is gone."""
        try:
            with self.attachment.file.open("rb") as file:
                text: str = file.read().decode(errors="replace")
        except OSError:
            return None
        rest = len(text) - LONGEST_TEXT
        return f"{text[:LONGEST_TEXT]}\n… and {rest:,} characters" if rest > 0 else text
