from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType

import msgspec
from django.conf import settings

from costs.usage_json.reader import Record
from costs.usage_json.refusal import Refused

BATCH = 1_000


def no_room(fault: OSError) -> Refused:
    """Why nothing can be kept in the data folder."""
    return Refused(f"{settings.DATA_DIR}: {fault.strerror or fault}")


class Spool:
    """Checked records on disk between reading and booking, so that no file fills the memory."""

    def __init__(self) -> None:
        # Beside the database: the system's temporary folder may lie in memory.
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        self.file = tempfile.TemporaryFile(dir=settings.DATA_DIR)  # noqa: SIM115  (closed by __exit__)
        self.batch: list[Record] = []
        self.count = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.file.close()

    def add(self, record: Record) -> None:
        self.batch.append(record)
        self.count += 1
        if len(self.batch) == BATCH:
            self._write()

    def _write(self) -> None:
        try:
            self.file.write(msgspec.json.encode(self.batch) + b"\n")
        except OSError as fault:
            raise no_room(fault) from None
        self.batch = []

    def records(self) -> Iterator[Record]:
        """All records in the order in which they were added."""
        self._write()
        self.file.seek(0)
        decode = msgspec.json.Decoder(list[Record]).decode
        for line in self.file:
            yield from decode(line)
