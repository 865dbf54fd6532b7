import os
import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256

import pytest
from django.conf import settings

from monitor.origin_database import Refused, import_database
from monitor.origin_database.reader import opened
from sessions.models import Session, ToolCall
from tasks.models import Activity, Task
from tests.monitor.origin_database.origindb import OriginDb, filled


@pytest.fixture(autouse=True)
def traces(db):
    """Whatever happens, no copy is left over."""
    yield
    assert not list(settings.DATA_DIR.glob("origin-*"))


def refused(path, cause):
    with pytest.raises(Refused, match=cause + r".*Nothing was imported\.$"):
        import_database(path)
    for model in (Task, Activity, Session, ToolCall):
        assert not model.objects.exists()


def state_of(folder):
    return {
        path.name: (sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.iterdir()
    }


class TestRefusals:
    def test_a_missing_file(self, tmp_path):
        refused(tmp_path / "none.db", "no such file")

    def test_a_folder(self, tmp_path):
        refused(tmp_path, "is a folder")

    def test_something_that_is_no_file(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        refused(tmp_path / "pipe", "not a file")

    @pytest.mark.parametrize("content", [b"", b'{"222": {}}', b"SQLite format 2\0"])
    def test_another_kind_of_file(self, tmp_path, content):
        path = tmp_path / "x.db"
        path.write_bytes(content)
        refused(path, "not an SQLite database")

    def test_a_file_that_was_cut_off(self, tmp_path):
        path = filled(tmp_path / "x.db").path
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        refused(path, "is damaged or cut off")

    def test_a_file_of_which_only_the_beginning_is_right(self, tmp_path):
        path = tmp_path / "x.db"
        path.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
        refused(path, "is damaged or cut off")

    def test_a_page_that_was_overwritten(self, tmp_path):
        db = filled(tmp_path / "x.db")
        for second in range(300):
            db.tool(seconds=10 + second)
        content = bytearray(db.path.read_bytes())
        middle = len(content) // 4096 * 4096 - 4096
        content[middle : middle + 4096] = b"\xff" * 4096
        db.path.write_bytes(content)
        refused(db.path, "is damaged or cut off")

    def test_a_schema_with_bytes_that_are_no_text(self, tmp_path):
        path = filled(tmp_path / "x.db").path
        path.write_bytes(path.read_bytes().replace(b"CREATE TABLE tasks", b"CREATE \xf1ABLE tasks"))
        refused(path, "is damaged or cut off")

    def test_tables_of_something_else(self, tmp_path):
        with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
            connection.execute("CREATE TABLE tasks (id INTEGER)")
        refused(tmp_path / "x.db", "no table agent_status, schema_version, tool_usage")

    def test_a_table_without_a_column_that_all_versions_have(self, tmp_path):
        db = filled(tmp_path / "x.db")
        db.execute("ALTER TABLE tasks DROP COLUMN description")
        refused(db.path, "table tasks has no column description")

    @pytest.mark.parametrize("version", [15, 0, "new", None])
    def test_a_schema_version_that_is_not_known(self, tmp_path, version):
        db = filled(tmp_path / "x.db")
        db.execute("DROP TABLE schema_version")
        db.execute("CREATE TABLE schema_version (version, applied_at)")
        db.insert("schema_version", version=version)
        refused(db.path, f"its schema version is '{version}'; known are 1 to 14")

    def test_no_schema_version(self, tmp_path):
        db = filled(tmp_path / "x.db")
        db.execute("DELETE FROM schema_version")
        refused(db.path, "its schema version is 'none'")

    def test_the_monitors_own_database(self, tmp_path):
        with closing(sqlite3.connect(tmp_path / "monitor.db")) as connection:
            connection.execute("CREATE TABLE django_migrations (id INTEGER)")
            connection.execute("CREATE TABLE x (y TEXT CHECK (JSON_VALID(y)))")  # as Django does
        refused(tmp_path / "monitor.db", "a database of the monitor itself")

    def test_a_text_beyond_all_measure(self, tmp_path):
        db = filled(tmp_path / "x.db")
        db.execute("UPDATE tasks SET result = CAST(zeroblob(100000001) AS TEXT)")
        refused(db.path, "too big")

    def test_a_file_that_is_written_to_all_the_time(self, tmp_path, monkeypatch):
        path = filled(tmp_path / "x.db").path
        copyfile = shutil.copyfile

        def copied(source, target):
            copyfile(source, target)
            os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))

        monkeypatch.setattr(shutil, "copyfile", copied)
        refused(path, "changes while it is copied: stop the earlier dashboard")

    def test_no_room_for_the_copy(self, tmp_path, monkeypatch):
        path = filled(tmp_path / "x.db").path

        def full(source, target):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(shutil, "copyfile", full)
        refused(path, "cannot be copied to .*: No space left on device")

    def test_a_data_folder_that_cannot_be_written(self, tmp_path, settings):
        (tmp_path / "file").touch()
        settings.DATA_DIR = tmp_path / "file" / "data"
        with pytest.raises(Refused, match="Not a directory"):
            import_database(filled(tmp_path / "x.db").path)


class TestTheFile:
    def test_it_and_its_folder_stay_as_they_were(self, tmp_path):
        path = filled(tmp_path / "x.db").path
        before = state_of(tmp_path)
        import_database(path)
        assert state_of(tmp_path) == before

    def test_a_database_in_wal_mode_leaves_no_trace_in_its_folder(self, tmp_path):
        db = OriginDb(tmp_path / "x.db", wal=True)
        db.task()
        tmp_path.chmod(0o555)
        before = state_of(tmp_path)
        import_database(db.path)
        assert Task.objects.count() == 1
        assert state_of(tmp_path) == before
        tmp_path.chmod(0o755)

    def test_what_still_lies_in_the_log_beside_it_is_read(self, tmp_path):
        db = OriginDb(tmp_path / "x.db", wal=True)
        with closing(sqlite3.connect(db.path)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute("SELECT count(*) FROM tasks").fetchone()
            db.task()
            before = state_of(tmp_path)
            assert "x.db-wal" in before
            import_database(db.path)
            assert state_of(tmp_path) == before
        assert Task.objects.count() == 1

    def test_a_transaction_that_was_cut_off_is_not_read(self, tmp_path):
        db = OriginDb(tmp_path / "whole.db")
        db.task()
        with closing(sqlite3.connect(db.path)) as connection:
            connection.execute("PRAGMA cache_size = 1")
            connection.execute("PRAGMA cache_spill = 1")
            for number in range(200):
                connection.execute(
                    "INSERT INTO tool_usage (timestamp, task_id, tool_name, parameters)"
                    " VALUES ('2025-10-20T10:00:00', ?, 'Bash', ?)",
                    (f"t{number}", "x" * 4000),
                )
            for name in ("whole.db", "whole.db-journal"):
                shutil.copyfile(tmp_path / name, tmp_path / name.replace("whole", "torn"))
            connection.rollback()
        import_database(tmp_path / "torn.db")
        assert Task.objects.count() == 1
        assert not ToolCall.objects.exists()

    def test_a_link_is_followed_to_the_log_beside_the_file(self, tmp_path):
        db = OriginDb(tmp_path / "x.db", wal=True)
        (tmp_path / "link").symlink_to(db.path)
        with closing(sqlite3.connect(db.path)) as connection:
            connection.execute("SELECT count(*) FROM tasks").fetchone()
            db.task()
            import_database(tmp_path / "link")
        assert Task.objects.count() == 1

    def test_a_change_during_the_first_copy_leads_to_another(self, tmp_path, monkeypatch):
        path = filled(tmp_path / "x.db").path
        copyfile, copies = shutil.copyfile, []

        def copied(source, target):
            copies.append(source)
            copyfile(source, target)
            if len(copies) == 1:
                os.utime(path, ns=(0, 1))

        monkeypatch.setattr(shutil, "copyfile", copied)
        import_database(path)
        assert len(copies) == 2
        assert Task.objects.count() == 2

    def test_its_copy_is_deleted_before_a_row_is_read(self, tmp_path):
        db = OriginDb(tmp_path / "x.db", wal=True)
        db.task()
        with opened(db.path) as origin:
            assert not list(settings.DATA_DIR.glob("origin-*"))
            assert origin.count("tasks") == 1
