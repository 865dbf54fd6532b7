"""Takes over the logs that hooks kept of each session: logs/sessions/<session>/*.jsonl."""

from sessions.hook_logs.folders import Folder, Refused
from sessions.hook_logs.importing import Options, import_logs
from sessions.hook_logs.report import Counts, FolderLine, Report

__all__ = ["Counts", "Folder", "FolderLine", "Options", "Refused", "Report", "import_logs"]
