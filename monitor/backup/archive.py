"""The tar archive that a backup is: written in one go, and believed when every digest is right."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from monitor.backup.progress import Progress, Refused

FORMAT = 1
ABOUT = "about.json"
DATABASE = "database"
ATTACHMENTS = "attachments/"
CHUNK = 2**20


class About(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a backup holds; `counts` is of rows by table, `missing` of attachments without a file.

    `kind` is the vendor of the database, sqlite or postgresql.
    """

    format: int = FORMAT
    made_at: datetime
    kind: str
    migrations: list[tuple[str, str]]
    counts: dict[str, int]
    missing: int = 0
    digests: dict[str, str] = {}


class Writer:
    """Adds files one after the other, and at last tells of them."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.digests: dict[str, str] = {}

    def add(self, name: str, path: Path) -> None:
        """Raises OSError where the file cannot be read; nothing is added of one that is not."""
        with path.open("rb") as file:
            part, told = Part(file), tarfile.TarInfo(name)
            told.size = path.stat().st_size
            told.mtime = int(path.stat().st_mtime)
            self._tar.addfile(told, part)  # type: ignore[arg-type]  # it only reads
        self.digests[name] = part.digest()

    def add_about(self, about: About) -> None:
        about.digests = self.digests
        text = msgspec.json.format(msgspec.json.encode(about))
        told = tarfile.TarInfo(ABOUT)
        told.size = len(text)
        self._tar.addfile(told, BytesIO(text))


class Part:
    """A file that is digested as it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._hash = file, blake2b(digest_size=32)

    def read(self, size: int) -> bytes:
        chunk = self._file.read(size)
        self._hash.update(chunk)
        return chunk

    def digest(self) -> str:
        return self._hash.hexdigest()


class Reader:
    """An opened backup whose parts are all there; whether they are whole shows as they are read."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._members = {member.name: member for member in tar if member.isreg()}
        self.about = self._read_about()
        if DATABASE not in self.about.digests or set(self.about.digests) - set(self._members):
            raise Refused("is no whole backup: parts of it are missing")

    @property
    def attachments(self) -> list[str]:
        """The names of the files. Raises Refused for one that would lie elsewhere."""
        names = [name for name in self.about.digests if name != DATABASE]
        files = [name.removeprefix(ATTACHMENTS) for name in names]
        if any(file != Path(file).name or file in ("", "..") for file in files):
            raise Refused("is no backup of the monitor: it names files outside its folder")
        return files

    def extract(self, name: str, target: Path, progress: Progress | None = None) -> None:
        """Write a part to `target`. Raises Refused where it is not what was put in."""
        with target.open("xb") as file:
            for chunk in self._chunks(name, progress):
                file.write(chunk)

    def check(self, progress: Progress) -> None:
        """Read all there is. Raises Refused where anything is not what was put in."""
        for name in self.about.digests:
            for _ in self._chunks(name, progress if name == DATABASE else None):
                pass

    def _chunks(self, name: str, progress: Progress | None) -> Iterator[bytes]:
        member, done = self._members[name], 0
        part = Part(self._tar.extractfile(member))  # type: ignore[arg-type]  # it is a file
        while chunk := part.read(CHUNK):
            yield chunk
            done += len(chunk)
            if progress:
                progress("Reading", done, member.size)
        if done != member.size or part.digest() != self.about.digests[name]:
            raise Refused(f"is damaged: its part {name} is not what was put in")

    def _read_about(self) -> About:
        if ABOUT not in self._members:
            raise Refused("is torn, or no backup of the monitor")
        told = self._tar.extractfile(self._members[ABOUT])
        try:
            about = msgspec.json.decode(told.read() if told else b"", type=About)
        except msgspec.DecodeError as fault:
            raise Refused(f"is no backup that this version reads: {fault}") from None
        if about.format != FORMAT:
            raise Refused(f"is a backup of the format {about.format}, and this version reads 1")
        return about


@contextmanager
def opened(path: Path) -> Iterator[Reader]:
    """Raises Refused, with words that follow the name of the file, unless it is a whole backup."""
    try:
        with tarfile.open(path, "r:") as tar:
            yield Reader(tar)
    except tarfile.TarError:
        raise Refused("is torn, or no backup of the monitor") from None
