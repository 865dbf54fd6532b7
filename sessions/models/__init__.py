"""What agents did: the sessions they opened, the tools they called, the files they touched."""

from sessions.models.activity import SessionActivity
from sessions.models.files import FileAccess, ImportedFile
from sessions.models.hook_log import HookLog
from sessions.models.rollup import ToolDay, ToolHour, ToolMonth
from sessions.models.session import Session
from sessions.models.tool_call import ToolCall

__all__ = [
    "FileAccess",
    "HookLog",
    "ImportedFile",
    "Session",
    "SessionActivity",
    "ToolCall",
    "ToolDay",
    "ToolHour",
    "ToolMonth",
]
