"""A range from one instant to another, such as that of a bar of the chart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from costs.windows import EPOCH
from monitor.periods import Period

MARK = ".."
STYLE = "%Y-%m-%dT%H:%MZ"


@dataclass(frozen=True)
class Between(Period):
    """A range that an address tells by its two ends, minutes of UTC: the end is not inside."""

    @classmethod
    def of(cls, start: datetime, end: datetime) -> Self:
        label = MARK.join(f"{instant.astimezone(UTC):{STYLE}}" for instant in (start, end))
        return cls(label, start, end)

    @classmethod
    def read(cls, text: str) -> Self:
        """The range that `text` tells, as `of` words it. Raises ValueError, in words."""
        try:
            start, end = (
                datetime.strptime(part, STYLE).replace(tzinfo=UTC) for part in text.split(MARK)
            )
        except ValueError:
            start = end = EPOCH
        if not EPOCH <= start < end:
            raise ValueError(
                f"There is no range “{text[:40]}”; two times like 2026-01-31T00:00Z, the earlier"
                f" one first, have “{MARK}” between them."
            )
        return cls.of(start, end)

    def previous(self) -> Period | None:
        """The range of the same length that ends where this one starts, where there was one."""
        start = self.start - min(self.end - self.start, self.start - EPOCH)
        return (
            Between.of(start, self.start) if self.end - self.start == self.start - start else None
        )

    @property
    def words(self) -> str:
        return "range"
