from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from monitor.origin_database import Options, Refused, import_database
from sessions.models import Session, ToolCall
from sessions.recording import record
from tasks.models import Activity, Task
from tests.monitor.origin_database.origindb import OriginDb, at, filled
from tests.monitor.origin_database.taken import counts, everything, imported, moment

UUID = "16fd9350-d887-414f-af2f-b235f0bec729"
pytestmark = pytest.mark.django_db


class TestEverySchemaVersion:
    @pytest.mark.parametrize("version", range(1, 15))
    def test_all_rows_are_taken_and_proven(self, tmp_path, version):
        origin = filled(tmp_path / "x.db", version)
        report = imported(origin)
        assert report.version == version
        assert counts(report, "tasks") == (2, 2, 0, 0, 0)
        assert counts(report, "activity_log") == (4, 4, 0, 0, 0)
        assert counts(report, "agent_status") == (1, 1, 0, 0, 0)
        assert counts(report, "tool_usage") == (5, 4, 0, 1, 0)
        assert counts(report, "files") == ((1, 1, 0, 0, 0) if version >= 7 else (0,) * 5)
        assert counts(report, "documents") == ((2, 2, 0, 0, 0) if version >= 13 else (0,) * 5)
        assert ToolCall.objects.count() == 4
        assert Session.objects.count() == (1 if version >= 9 else 2)

    @pytest.mark.parametrize("version", [1, 8, 14])
    def test_a_second_import_adds_nothing(self, tmp_path, version):
        origin = filled(tmp_path / "x.db", version)
        imported(origin)
        before = everything()
        report = imported(origin)
        assert everything() == before
        assert report.added == 0
        assert counts(report, "tool_usage") == (5, 0, 4, 1, 0)
        assert report.sessions["added"] == 0

    def test_the_first_version_was_edited_to_hold_sessions(self, tmp_path):
        origin = OriginDb(tmp_path / "x.db", 1)
        origin.execute("ALTER TABLE tasks ADD COLUMN session_uuid TEXT")
        origin.task(session_uuid=UUID)
        origin.tool()
        imported(origin)
        assert Session.objects.get().key == UUID

    def test_a_column_that_its_version_should_have_may_be_missing(self, tmp_path):
        origin = OriginDb(tmp_path / "x.db", 10)
        origin.execute("UPDATE schema_version SET version = 14")
        origin.task()
        report = imported(origin)
        assert counts(report, "tasks") == (1, 1, 0, 0, 0)

    def test_an_empty_database_is_taken_over_as_such(self, origin):
        assert imported(origin).added == 0


class TestUnreadableRows:
    @pytest.mark.parametrize(
        ("wrong", "cause"),
        [
            ({"status": "lost"}, "status: 'lost' is not known"),
            ({"status": b"completed"}, "status: Expected `str`"),
            ({"created_at": "yesterday"}, "created_at: 'yesterday' is not a time"),
            ({"updated_at": "2025-10-20"}, "updated_at: '2025-10-20' is not a time"),
            ({"created_at": "0001-01-01T00:00:00"}, "created_at"),
            ({"user_id": b"\x00"}, "user_id: Expected"),
            ({"user_id": "u" * 65}, "user_id"),
            ({"description": b"\xff"}, "description: Expected `str`"),
            ({"pid": "none"}, "pid: Expected `int"),
            ({"pid": -4}, "pid"),
            ({"phase_number": 2**40}, "phase_number"),
            ({"model": "m" * 101}, "model"),
            ({"model": "m\x00"}, "model: holds a character"),
            ({"id": ""}, "task_id"),
            ({"id": None}, "task_id"),
            ({"id": ".."}, "task_id: has a part"),
            ({"id": "a\x1b[2J"}, "task_id: holds a character"),
            ({"id": "x" * 65}, "task_id"),
        ],
    )
    def test_a_task_is_listed_with_its_cause_and_the_others_are_taken(self, origin, wrong, cause):
        origin.task(**{"id": "broken", **wrong})
        origin.task("bbbbbb")
        report = imported(origin)
        assert counts(report, "tasks") == (2, 1, 0, 0, 1)
        assert counts(report, "activity_log") == (4, 2, 0, 0, 2)
        assert cause in next(row.cause for row in report.left_out if row.table == "tasks")
        assert [task.id for task in Task.objects.all()] == ["bbbbbb"]

    @pytest.mark.parametrize(
        ("wrong", "cause"),
        [
            ({"success": 2}, "success"),
            ({"success": "yes"}, "success"),
            ({"timestamp": "noon"}, "timestamp: 'noon' is not a time"),
            ({"timestamp": b"\x00"}, "timestamp: Expected `str`"),
            ({"tool_name": ""}, "tool_name"),
            ({"tool_name": "x" * 129}, "tool_name"),
            ({"tool_name": "a\x00"}, "tool_name: holds a character"),
            ({"id": ""}, "task_id"),
            ({"id": "a/../b"}, "task_id: has a part"),
            ({"id": "x" * 201}, "task_id"),
            ({"duration_ms": -1}, "duration_ms"),
            ({"duration_ms": 9e999}, "duration_ms"),
            ({"input_tokens": "many"}, "input_tokens"),
            ({"input_tokens": -1}, "input_tokens"),
            ({"error": b"\xff"}, "error"),
        ],
    )
    def test_a_row_of_a_tool_is_listed_with_its_cause(self, origin, wrong, cause):
        origin.tool(seconds=1, success=1)
        origin.tool(**{"seconds": 2, "success": 1, **wrong})
        report = imported(origin)
        assert counts(report, "tool_usage") == (2, 1, 0, 0, 1)
        (row,) = report.left_out
        assert (row.table, row.id) == ("tool_usage", "2")
        assert cause in row.cause

    @pytest.mark.parametrize(
        "wrong", [{"id": "x" * 65}, {"status": "s" * 33}, {"timestamp": "x"}, {"message": b"\xff"}]
    )
    def test_a_status_is_left_out(self, origin, wrong):
        origin.status(**wrong)
        assert counts(imported(origin), "agent_status") == (1, 0, 0, 0, 1)

    def test_letters_that_no_database_stores_are_replaced_in_texts(self, origin):
        origin.task(description="a\x00b", workspace="/a\x00b", activity_log=None)
        origin.tool()
        origin.execute("UPDATE tasks SET error = CAST(x'61ff62' AS TEXT)")
        imported(origin)
        assert Session.objects.get().workspace == "/a\ufffdb"
        task = Task.objects.get()
        assert (task.description, task.error) == ("a\ufffdb", "a\ufffdb")

    def test_twenty_are_listed_and_all_counted(self, origin):
        for _ in range(25):
            origin.tool(success=7)
        report = imported(origin)
        assert (len(report.left_out), report.refused) == (20, 25)

    def test_what_only_the_recorder_notices_is_left_out_too(self, origin, monkeypatch):
        """Were the checks here to miss something, one row must not cost its whole batch."""
        monkeypatch.setattr("monitor.origin_database.rows.IDS", ())
        origin.task("..")
        origin.task("bbbbbb")
        origin.tool("..", 1, 1)
        origin.tool("bbbbbb", 2, 1)
        report = imported(origin)
        assert counts(report, "tasks") == (2, 1, 0, 0, 1)
        assert counts(report, "activity_log") == (4, 2, 0, 0, 2)
        assert counts(report, "tool_usage") == (2, 1, 0, 0, 1)
        assert not Activity.objects.filter(task_id="..").exists()


class TestTimes:
    def test_naive_times_are_those_of_the_zone(self, origin):
        origin.task()
        report = import_database(origin.path, Options(zone=ZoneInfo("Europe/Berlin")))
        assert Task.objects.get().created_at == moment(-7200)
        assert report.notes["times without a zone: read as those of Europe/Berlin"] == 4

    def test_times_with_a_zone_are_taken_as_they_are(self, origin):
        origin.tool(timestamp="2025-10-20T10:00:00Z")
        report = import_database(origin.path, Options(zone=ZoneInfo("Europe/Berlin")))
        assert ToolCall.objects.get().started_at == datetime(2025, 10, 20, 10, tzinfo=UTC)
        assert report.notes["times with an offset of their own: taken as they are"] == 1

    def test_an_hour_that_the_zone_repeats_is_resolved_by_order(self, origin):
        for clock in ("02:50:00", "02:50:10", "02:10:00", "02:10:05"):
            origin.tool(timestamp=f"2025-10-26T{clock}", tool_name=clock)
        import_database(origin.path, Options(zone=ZoneInfo("Europe/Berlin")))
        starts = ToolCall.objects.order_by("started_at").values_list("started_at", flat=True)
        assert [start.strftime("%H:%M:%S") for start in starts] == [
            "00:50:00",
            "00:50:10",
            "01:10:00",
            "01:10:05",
        ]

    def test_a_moment_of_disorder_is_no_change_of_the_clock(self, origin):
        origin.tool(timestamp="2025-10-26T02:30:10.4")
        origin.tool(timestamp="2025-10-26T02:30:10.0", success=1)
        import_database(origin.path, Options(zone=ZoneInfo("Europe/Berlin")))
        assert ToolCall.objects.get().success is True

    def test_another_zone_makes_other_tasks_of_them(self, origin):
        origin.task()
        imported(origin)
        report = import_database(origin.path, Options(zone=ZoneInfo("Europe/Berlin")))
        assert counts(report, "tasks") == (1, 0, 0, 0, 1)
        assert "times of another --timezone" in report.left_out[0].cause


class TestDryRun:
    def test_it_gives_the_same_report_and_writes_nothing(self, tmp_path):
        origin = filled(tmp_path / "x.db")
        origin.tool("cccccc", success=9)
        before = everything()
        rehearsal = imported(origin, dry_run=True)
        assert everything() == before
        report = imported(origin)
        assert rehearsal.lines == report.lines
        assert rehearsal.sessions == report.sessions
        assert rehearsal.notes == report.notes
        assert rehearsal.left_out == report.left_out


class TestBatches:
    def test_batches_are_transactions_of_their_own(self, origin, monkeypatch):
        monkeypatch.setattr("monitor.origin_database.batches.SIZE", 2)
        for second in range(5):
            origin.tool(f"session-{second}", second, 1)
        sizes = []
        monkeypatch.setattr(
            "monitor.origin_database.tool_calls.record",
            lambda events: sizes.append(len(events)) or record(events),
        )
        assert counts(imported(origin), "tool_usage") == (5, 5, 0, 0, 0)
        assert sizes == [2, 2, 1]

    @pytest.mark.parametrize("table", ["tool_usage", "tasks"])
    def test_what_is_not_found_again_is_taken_back_and_said(self, tmp_path, monkeypatch, table):
        origin = filled(tmp_path / "x.db")
        module = {"tool_usage": "tool_calls.record", "tasks": "task_news.reporting.report_many"}
        monkeypatch.setattr(f"monitor.origin_database.{module[table]}", lambda events: None)
        with pytest.raises(Refused, match=r"not found again\. What was imported before that stays"):
            imported(origin)
        assert Activity.objects.filter(event_id="status:1").exists()
        assert not Activity.objects.filter(event_id="log:0").exists() or table == "tool_usage"

    def test_counts_that_do_not_add_up_are_said(self, origin, monkeypatch):
        origin.tool()
        monkeypatch.setattr("monitor.origin_database.report.Report.book", lambda *_, **__: None)
        with pytest.raises(Refused, match="tool_usage do not add up"):
            imported(origin)

    def test_other_tables_stay_out_and_are_counted(self, origin):
        origin.insert(
            "users", user_id="u", username="u", email="e", password_hash="h", created_at=at()
        )
        assert imported(origin).bystanders == {"users": 1}
