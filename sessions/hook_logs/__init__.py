"""Takes over the logs that hooks kept of each session: logs/sessions/<session>/*.jsonl."""

from sessions.hook_logs.folders import Folder, Refused
from sessions.hook_logs.importing import import_logs
from sessions.hook_logs.report import FolderLine, Report, ToolLine

__all__ = ["Folder", "FolderLine", "Refused", "Report", "ToolLine", "import_logs"]
