"""The earlier dashboard's database as it was at any of its schema versions, with few rows."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2025, 10, 20, 10, 0, 0, 250000)
PLAN = {"todos": [{"content": "a", "status": "pending", "activeForm": "doing a"}]}
FIRST = """
CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL);
CREATE TABLE tasks (
    task_id TEXT PRIMARY KEY, user_id INTEGER NOT NULL, description TEXT NOT NULL,
    status TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    model TEXT NOT NULL, workspace TEXT NOT NULL,
    agent_type TEXT NOT NULL DEFAULT 'code_agent',
    result TEXT, error TEXT, pid INTEGER, activity_log TEXT
);
CREATE TABLE tool_usage (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, task_id TEXT NOT NULL,
    tool_name TEXT NOT NULL, duration_ms REAL, success BOOLEAN, error TEXT, parameters TEXT
);
CREATE TABLE agent_status (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, task_id TEXT NOT NULL,
    status TEXT NOT NULL, message TEXT, metadata TEXT
);
CREATE INDEX idx_tool_task ON tool_usage(task_id);
"""
UPGRADES = {
    2: """CREATE TABLE games (
        game_id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL,
        game_type TEXT NOT NULL, status TEXT NOT NULL, score INTEGER DEFAULT 0,
        level INTEGER DEFAULT 1, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
        state_data TEXT)""",
    3: "ALTER TABLE tasks ADD COLUMN workflow TEXT",
    4: "ALTER TABLE tasks ADD COLUMN context TEXT",
    5: "ALTER TABLE tool_usage ADD COLUMN error_category TEXT",
    6: "ALTER TABLE tool_usage ADD COLUMN screenshot_path TEXT",
    7: """CREATE TABLE files (
        file_path TEXT PRIMARY KEY, first_seen TEXT NOT NULL, last_accessed TEXT NOT NULL,
        access_count INTEGER NOT NULL DEFAULT 0, task_ids TEXT, operations TEXT,
        file_size INTEGER, file_hash TEXT)""",
    8: """CREATE TABLE users (
        user_id TEXT PRIMARY KEY, username TEXT UNIQUE NOT NULL, email TEXT UNIQUE NOT NULL,
        password_hash TEXT NOT NULL, created_at TEXT NOT NULL,
        is_admin BOOLEAN NOT NULL DEFAULT 0)""",
    9: "ALTER TABLE tasks ADD COLUMN session_uuid TEXT",
    10: """ALTER TABLE tool_usage ADD COLUMN input_tokens INTEGER;
        ALTER TABLE tool_usage ADD COLUMN output_tokens INTEGER;
        ALTER TABLE tool_usage ADD COLUMN cache_creation_tokens INTEGER;
        ALTER TABLE tool_usage ADD COLUMN cache_read_tokens INTEGER""",
    11: """ALTER TABLE tasks ADD COLUMN current_phase TEXT;
        ALTER TABLE tasks ADD COLUMN phase_number INTEGER DEFAULT 0""",
    12: "",
    13: """CREATE TABLE documents (
        id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE,
        status TEXT NOT NULL DEFAULT 'active', created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL, archived_at TEXT, task_id TEXT, notes TEXT,
        FOREIGN KEY (task_id) REFERENCES tasks(task_id))""",
    14: "ALTER TABLE tasks ADD COLUMN last_agent_type TEXT",
}


def at(seconds: float = 0) -> str:
    """A naive local time as the origin wrote it: without a fraction where that is zero."""
    return (START + timedelta(seconds=seconds)).isoformat()


class OriginDb:
    """One database of the origin; each method adds a row and commits."""

    def __init__(self, path: Path, version: int = 14, *, wal: bool = False) -> None:
        self.path, self.version = path, version
        with closing(sqlite3.connect(path)) as connection:
            if wal:
                connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(FIRST)
            for number in range(2, version + 1):
                connection.executescript(UPGRADES[number])
        self.insert("schema_version", version=version, applied_at=at())

    def execute(self, sql: str, *values: Any) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(sql, values)

    def insert(self, table: str, **values: Any) -> None:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        self.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", *values.values())

    def task(self, id: Any = "aaaaaa", status: Any = "completed", **values: Any) -> None:
        plain = {
            "task_id": id,
            "user_id": 100000001,
            "description": "Mend the roof",
            "status": status,
            "created_at": at(),
            "updated_at": at(60),
            "model": "sonnet",
            "workspace": "/w",
            "activity_log": log(("Started", 1), ("Still working", 30)),
        }
        self.insert("tasks", **plain | values)

    def tool(self, id: Any = "aaaaaa", seconds: float = 0, success: Any = None, **values: Any):
        plain = {
            "timestamp": at(seconds),
            "task_id": id,
            "tool_name": "Bash",
            "success": success,
            "parameters": json.dumps({"command": "make"}),
        }
        self.insert("tool_usage", **plain | values)

    def status(self, id: Any = "aaaaaa", status: Any = "tool_call", **values: Any) -> None:
        plain = {
            "timestamp": at(20),
            "task_id": id,
            "status": status,
            "message": "Bash completed",
            "metadata": json.dumps({"tool": "Bash", "success": True}),
        }
        self.insert("agent_status", **plain | values)

    def file(self, path: Any = "/w/x.py", **values: Any) -> None:
        plain = {
            "file_path": path,
            "first_seen": at(),
            "last_accessed": at(9),
            "access_count": 3,
            "task_ids": json.dumps(["aaaaaa"]),
            "operations": json.dumps({"read": 2, "write": 0, "edit": 1}),
        }
        self.insert("files", **plain | values)

    def document(self, path: Any = "API.md", status: Any = "active", **values: Any) -> None:
        plain = {"path": path, "status": status, "created_at": at(), "updated_at": at(5)}
        self.insert("documents", **plain | values)


def log(*entries: tuple[str, float], **more: Any) -> str:
    """An activity_log of messages and seconds; `more` stands in each entry."""
    return json.dumps(
        [{"timestamp": at(seconds), "message": message, **more} for message, seconds in entries]
    )


def filled(path: Path, version: int = 14) -> OriginDb:
    """A database with two tasks, five rows of tools in four calls, and what its version holds."""
    db = OriginDb(path, version)
    uuid = {"session_uuid": "16fd9350-d887-414f-af2f-b235f0bec729"} if version >= 9 else {}
    db.task(**uuid)
    db.task("bbbbbb", "failed", error="[timeout] no news", created_at=at(2))
    db.tool(seconds=2)
    db.tool(seconds=3.5, success=1)
    db.tool(seconds=5, success=0, tool_name="Read", error=None)
    db.tool(seconds=6, tool_name="TodoWrite", parameters=json.dumps(PLAN))
    db.tool("16fd9350-d887-414f-af2f-b235f0bec729", 7, 1, tool_name="Grep", parameters=None)
    db.status()
    if version >= 7:
        db.file()
    if version >= 13:
        db.document(task_id="aaaaaa")
        db.document("archive/OLD.md", "archived", archived_at=at(5), notes="old")
    return db
