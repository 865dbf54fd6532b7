from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sessions.hook_logs.folder_import import FolderImport
from sessions.hook_logs.folders import Folder, Refused, find
from sessions.hook_logs.report import Report
from tasks.identity import Invalid


def _unwatched(folders: list[Folder]) -> Iterable[Folder]:
    return folders


@dataclass(frozen=True)
class Options:
    """How to import; the hook lets progress be shown."""

    dry_run: bool = False
    watch: Callable[[list[Folder]], Iterable[Folder]] = _unwatched


def import_logs(root: Path, options: Options | None = None) -> Report:
    """Take over what is new in the session folders in `root`, each by itself.

    A folder that cannot be read, or recorded, is named in the report; what was committed of it
    before stays, and counts. Raises Refused where nothing could be read at all.
    """
    options, report = options or Options(), Report()
    for folder in options.watch(find(root, report.notes, report.refused)):
        deed = FolderImport(folder, report, dry_run=options.dry_run)
        if cause := _fault(deed):
            report.refused[folder.key] = cause
        if not cause or deed.done.counts.added:
            report.lines.append(deed.done)
    if not report.lines:
        key, cause = next(iter(report.refused.items()))
        raise Refused(f"no folder could be read; {key}: {cause}")
    return report


def _fault(deed: FolderImport) -> str:
    """Import one folder; answers what came between, if anything did."""
    try:
        deed.run()
    except Refused as refusal:
        return str(refusal)
    except Invalid as fault:
        return f"cannot be recorded: {fault}"
    except OSError as fault:
        return f"cannot be read: {fault.strerror or fault}"
    return ""
