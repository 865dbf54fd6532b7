import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from docsviewer.models import Document
from monitor.origin_database import Options, Refused, import_database
from sessions.events import SessionEvent
from sessions.models import ImportedFile, Session, ToolCall, ToolDay
from sessions.pruning import prune_calls
from sessions.recording import record
from tasks.models import Activity, Status, Task
from tests.monitor.origin_database.origindb import PLAN, START, OriginDb, at, filled, log

UUID = "16fd9350-d887-414f-af2f-b235f0bec729"
pytestmark = pytest.mark.django_db


def moment(seconds=0):
    return START.replace(tzinfo=UTC) + timedelta(seconds=seconds)


def counts(report, table):
    line = report.lines[table]
    return line.read, line.added, line.there, line.merged, line.refused


def everything():
    """All rows that an import writes, as plain values."""
    models = (Task, Activity, Session, ToolCall, ToolDay, ImportedFile, Document)
    return [sorted(model.objects.values_list(), key=repr) for model in models]


@pytest.fixture
def origin(tmp_path):
    return OriginDb(tmp_path / "agentlab.db")


def imported(origin, **options):
    return import_database(origin.path, Options(zone=UTC, **options))


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


class TestTasks:
    def test_a_task_is_taken_with_all_its_facts(self, origin):
        origin.task(
            agent_type="frontend_agent",
            last_agent_type="git-merge",
            workflow="ui-task",
            context="as discussed",
            current_phase="git-merge",
            phase_number=3,
            pid=4242,
            result="done",
        )
        imported(origin)
        task = Task.objects.get()
        assert (task.id, task.user_id, task.description) == ("aaaaaa", "100000001", "Mend the roof")
        assert (task.model, task.workspace, task.agent_type) == ("sonnet", "/w", "frontend_agent")
        assert (task.last_agent_type, task.workflow, task.context) == (
            "git-merge",
            "ui-task",
            "as discussed",
        )
        assert (task.phase, task.phase_number, task.pid) == ("git-merge", 3, 4242)
        assert (task.result, task.error) == ("done", "")
        assert (task.created_at, task.updated_at) == (moment(), moment(60))

    @pytest.mark.parametrize("status", ["completed", "failed", "stopped"])
    def test_a_finished_task_ended_at_its_last_change(self, origin, status):
        origin.task(status=status, error="went wrong")
        imported(origin)
        task = Task.objects.get()
        assert (task.status, task.finished_at, task.error) == (status, moment(60), "went wrong")

    @pytest.mark.parametrize("status", ["running", "in_progress"])
    def test_a_running_task_runs(self, origin, status):
        origin.task(status=status)
        imported(origin)
        task = Task.objects.get()
        assert (task.status, task.finished_at) == (Status.RUNNING, None)

    def test_a_pending_task_is_pending_whatever_its_log_says(self, origin):
        origin.task(status="pending")
        imported(origin)
        task = Task.objects.get()
        assert (task.status, task.started_at, task.updated_at) == ("pending", None, moment(60))

    def test_the_start_is_that_of_the_log(self, origin):
        origin.task(activity_log=log(("Queued", 1), ("Starting work", 4), ("Started tests", 9)))
        imported(origin)
        assert Task.objects.get().started_at == moment(4)

    def test_the_start_is_that_of_the_status_if_it_is_earlier(self, origin):
        origin.task()
        origin.status(status="started", timestamp=at(0.5))
        origin.status(status="started", timestamp=at(0.7))
        imported(origin)
        assert Task.objects.get().started_at == moment(0.5)

    def test_the_start_is_unknown_where_nothing_tells(self, origin):
        origin.task(activity_log=log(("Still working", 4)))
        origin.task("bbbbbb", activity_log=None)
        imported(origin)
        assert {task.started_at for task in Task.objects.all()} == {None}

    def test_a_running_task_started_at_its_last_change_at_the_latest(self, origin):
        origin.task(status="running", activity_log=None)
        imported(origin)
        assert Task.objects.get().started_at == moment(60)

    def test_a_start_after_the_end_is_none(self, origin):
        origin.task(activity_log=log(("Started", 61)))
        imported(origin)
        task = Task.objects.get()
        assert (task.status, task.started_at) == ("completed", None)

    def test_a_start_before_the_creation_counts_from_there(self, origin):
        origin.task(activity_log=log(("Started", -1)))
        imported(origin)
        task = Task.objects.get()
        assert (task.created_at, task.started_at) == (moment(), moment())
        assert imported(origin).refused == 0

    def test_a_user_may_be_named_by_a_text(self, origin):
        origin.task(user_id="8a1e-uuid")
        imported(origin)
        assert Task.objects.get().user_id == "8a1e-uuid"

    def test_a_task_that_moved_on_moves_on_here(self, origin):
        origin.task(status="running")
        imported(origin)
        origin.execute(
            "UPDATE tasks SET status = 'completed', result = 'done', updated_at = ?,"
            " activity_log = ?",
            at(90),
            log(("Started", 1), ("Still working", 30), ("Finished", 89)),
        )
        report = imported(origin)
        task = Task.objects.get()
        assert (task.status, task.result, task.finished_at) == ("completed", "done", moment(90))
        assert task.started_at == moment(1)
        assert counts(report, "tasks") == (1, 0, 1, 0, 0)
        assert counts(report, "activity_log") == (3, 1, 2, 0, 0)
        assert report.notes["tasks known from before that moved to another state"] == 1

    def test_what_was_done_here_since_stays(self, origin):
        origin.task(status="failed", error="went wrong")
        imported(origin)
        Task.objects.get().mark_fixed()
        imported(origin)
        assert Task.objects.get().status == "completed"

    @pytest.mark.parametrize(
        "other", [{"user_id": "somebody"}, {"created_at": moment(-3600)}, {"user_id": ""}]
    )
    def test_another_task_of_that_id_is_left_alone_with_all_that_hangs_on_it(self, origin, other):
        Task.objects.create(
            **{"id": "aaaaaa", "user_id": "100000001", "created_at": moment(), **other}
        )
        before = everything()
        origin.task(session_uuid=UUID)
        origin.tool()
        origin.status()
        report = imported(origin)
        assert everything() == before
        for table, rows in {
            "tasks": 1,
            "activity_log": 2,
            "tool_usage": 1,
            "agent_status": 1,
        }.items():
            assert counts(report, table) == (rows, 0, 0, 0, rows)
        assert any("a task of that id" in row.cause for row in report.left_out)

    def test_a_text_longer_than_is_kept_is_noted(self, origin):
        origin.task(result="x" * 200_000)
        report = imported(origin)
        assert report.notes["tasks with a text longer than is kept: it is cut"] == 1


class TestLogs:
    def test_the_log_of_a_task_becomes_its_activity(self, origin):
        origin.task(
            activity_log=json.dumps(
                [
                    {"timestamp": at(1), "message": "Working", "output_lines": 12},
                    {"timestamp": at(2), "message": "Bash", "tool": "Bash", "success": True},
                ]
            )
        )
        imported(origin)
        first, second = Activity.objects.filter(event_id__startswith="log:").order_by("time")
        assert (first.event_id, first.time, first.message) == ("log:0", moment(1), "Working")
        assert (first.status, first.output_lines, first.metadata) == ("", 12, {})
        assert (second.output_lines, second.metadata) == (None, {"tool": "Bash", "success": True})

    def test_the_end_of_a_task_is_one_line_more(self, origin):
        origin.task(status="failed", error="went wrong")
        imported(origin)
        line = Activity.objects.exclude(event_id__startswith="log:").get()
        assert (line.status, line.message, line.time) == ("failed", "went wrong", moment(60))

    def test_words_of_status_do_not_change_the_state_of_a_task(self, origin):
        origin.task(status="running")
        origin.status(status="failed", message="Bash failed")
        origin.status(status="completed")
        imported(origin)
        assert Task.objects.get().status == "running"
        line = Activity.objects.get(event_id="status:1")
        assert (line.status, line.message, line.time) == ("failed", "Bash failed", moment(20))
        assert line.metadata == {"tool": "Bash", "success": True}

    def test_the_word_of_a_start_stays(self, origin):
        origin.task(activity_log=None)
        origin.status(status="started")
        imported(origin)
        assert Activity.objects.get(time=moment(20)).status == "started"

    def test_a_status_without_a_task_is_kept(self, origin):
        origin.status(UUID)
        imported(origin)
        assert Activity.objects.get().task_id == UUID
        assert not Task.objects.exists()

    @pytest.mark.parametrize("text", ["[{", '{"message": 1}', "7", b"\xff"])
    def test_a_log_that_is_none_is_left_out_and_its_task_kept(self, origin, text):
        origin.task(activity_log=text)
        report = imported(origin)
        assert counts(report, "tasks") == (1, 1, 0, 0, 0)
        assert counts(report, "activity_log") == (1, 0, 0, 0, 1)
        assert report.left_out[0].table == "activity_log"

    def test_an_entry_that_is_none_is_left_out_alone(self, origin):
        entries = ["text", {"message": "no time"}, {"timestamp": "noon", "message": "x"}]
        origin.task(activity_log=json.dumps([*entries, {"timestamp": at(3), "message": "good"}]))
        report = imported(origin)
        assert counts(report, "activity_log") == (4, 1, 0, 0, 3)
        assert Activity.objects.get(message="good").event_id == "log:3"
        assert [row.id for row in report.left_out] == [f"aaaaaa[{n}]" for n in range(3)]

    def test_secrets_are_taken_out(self, origin):
        origin.task(activity_log=log(("export API_TOKEN=abc123def", 1)))
        origin.status(metadata=json.dumps({"password": "hunter2"}))
        imported(origin)
        stored = repr(list(Activity.objects.values_list("message", "metadata")))
        assert "abc123def" not in stored
        assert "hunter2" not in stored

    def test_metadata_that_are_none_are_kept_as_they_are(self, origin):
        origin.status(metadata="Bash")
        report = imported(origin)
        assert Activity.objects.get().metadata == {"raw": "Bash"}
        assert report.notes["metadata that are no JSON object: kept as raw"] == 1


class TestToolCalls:
    def test_the_rows_before_and_after_a_call_are_one(self, origin):
        origin.task()
        origin.tool(seconds=2)
        origin.tool(seconds=3.5, success=0, error="permission denied", input_tokens=7)
        report = imported(origin)
        call = ToolCall.objects.get()
        assert (call.tool_use_id, call.tool_name) == ("origin:1", "Bash")
        assert (call.started_at, call.finished_at) == (moment(2), moment(3.5))
        assert (call.duration_ms, call.success, call.error) == (1500, False, "permission denied")
        assert (call.parameters, call.input_tokens) == ({"command": "make"}, 7)
        assert counts(report, "tool_usage") == (2, 1, 0, 1, 0)

    def test_an_end_alone_is_a_call_without_a_known_start(self, origin):
        origin.tool(seconds=3, success=1)
        imported(origin)
        call = ToolCall.objects.get()
        assert (call.reported_start_at, call.finished_at, call.duration_ms) == (
            None,
            moment(3),
            None,
        )

    def test_its_duration_tells_the_start(self, origin):
        origin.tool(seconds=3, success=1, duration_ms=1250.4)
        imported(origin)
        call = ToolCall.objects.get()
        assert (call.started_at, call.duration_ms) == (moment(1.75), 1250)

    def test_a_start_alone_is_a_call_without_an_end(self, origin):
        origin.tool(parameters=json.dumps(PLAN), tool_name="TodoWrite")
        imported(origin)
        call = ToolCall.objects.get()
        assert (call.success, call.finished_at, call.parameters) == (None, None, PLAN)

    def test_a_failure_without_an_error_has_none(self, origin):
        origin.tool(success=0, error=None)
        imported(origin)
        call = ToolCall.objects.get()
        assert (call.success, call.error) == (False, "")

    def test_an_end_before_its_start_ends_with_it(self, origin):
        origin.tool(seconds=2.5)
        origin.tool(seconds=2, success=1)
        imported(origin)
        call = ToolCall.objects.get()
        assert (call.started_at, call.finished_at) == (moment(2.5), moment(2.5))

    def test_all_token_counts_are_taken(self, origin):
        origin.tool(
            success=1,
            input_tokens=1,
            output_tokens=2,
            cache_creation_tokens=3,
            cache_read_tokens=4,
            screenshot_path="/tmp/x.png",
        )
        report = imported(origin)
        call = ToolCall.objects.get()
        tokens = (call.input_tokens, call.output_tokens, call.cache_write_tokens)
        assert (*tokens, call.cache_read_tokens) == (1, 2, 3, 4)
        assert report.notes["rows with token counts"] == 1
        assert report.notes["rows with a screenshot: its path is not kept"] == 1

    @pytest.mark.parametrize("text", ["make", "[1]", '"make"', "[" * 5000])
    def test_parameters_that_are_none_are_kept_as_they_are(self, origin, text):
        origin.tool(parameters=text)
        report = imported(origin)
        assert ToolCall.objects.get().parameters["raw"].startswith(text[:4])
        assert report.notes["parameters that are no JSON object: kept as raw"] == 1

    def test_tokens_of_a_call_without_an_end_are_said_to_be_lost(self, origin):
        origin.tool(input_tokens=5)
        report = imported(origin)
        assert report.notes["token counts of calls without an end: not kept"] == 1

    def test_secrets_are_taken_out_at_any_depth(self, origin):
        origin.tool(parameters=json.dumps({"env": {"API_TOKEN": "abc123def"}}))
        imported(origin)
        assert "abc123def" not in str(ToolCall.objects.get().parameters)

    def test_an_end_that_came_later_completes_the_call(self, origin):
        origin.tool(seconds=2)
        imported(origin)
        origin.tool(seconds=9, success=1)
        report = imported(origin)
        call = ToolCall.objects.get()
        assert (call.success, call.duration_ms) == (True, 7000)
        assert counts(report, "tool_usage") == (2, 0, 1, 1, 0)
        assert report.notes["calls that had begun before and have now ended"] == 1

    def test_a_row_that_was_completed_in_place_completes_the_call(self, origin):
        origin.tool(seconds=2)
        imported(origin)
        origin.execute("UPDATE tool_usage SET success = 0, error = 'no such file'")
        imported(origin)
        call = ToolCall.objects.get()
        assert (call.success, call.error) == (False, "no such file")

    def test_only_what_is_new_is_added(self, origin):
        origin.tool(seconds=2, success=1)
        imported(origin)
        origin.tool(seconds=900)
        report = imported(origin)
        assert counts(report, "tool_usage") == (2, 1, 1, 0, 0)
        assert ToolDay.objects.get().calls == 2

    def test_what_was_pruned_is_there_and_not_added_again(self, origin):
        origin.tool(seconds=2, success=1)
        origin.tool(seconds=3)
        imported(origin)
        assert sum(prune_calls(moment(3600))) == 2
        origin.tool(seconds=7200)
        origin.execute("UPDATE tool_usage SET success = 1 WHERE id = 2")
        report = imported(origin)
        assert counts(report, "tool_usage") == (3, 1, 2, 0, 0)
        assert ToolCall.objects.get().tool_use_id == "origin:3"
        assert ToolDay.objects.get().calls == 3


class TestSessions:
    def test_calls_of_a_task_and_of_its_session_meet_in_the_session(self, origin):
        origin.task(session_uuid=UUID, agent_type="research_agent")
        origin.tool("aaaaaa", 2, 1)
        origin.tool(UUID, 3, 1)
        report = imported(origin)
        session = Session.objects.get()
        assert (session.key, session.task_id, session.calls) == (UUID, "aaaaaa", 2)
        assert (session.user_id, session.agent, session.model) == (
            "100000001",
            "research_agent",
            "sonnet",
        )
        assert (session.workspace, session.source) == ("/w", "origin")
        assert report.sessions == {"read": 1, "added": 1, "standing in": 0}
        assert Session.objects.code().count() == 1

    def test_a_stand_in_holds_the_calls_of_a_task_whose_session_is_unknown(self, origin):
        origin.task()
        origin.tool(success=1)
        report = imported(origin)
        assert Session.objects.get().stands_in
        assert report.sessions == {"read": 1, "added": 1, "standing in": 1}
        assert not Session.objects.code().exists()

    def test_calls_of_no_task_are_a_session_of_their_own(self, origin):
        origin.tool(UUID, success=1)
        imported(origin)
        session = Session.objects.get()
        assert (session.key, session.task_id, session.source) == (UUID, None, "origin")

    def test_a_session_without_calls_is_known_from_its_task(self, origin):
        origin.task(session_uuid=UUID)
        report = imported(origin)
        session = Session.objects.get()
        assert (session.key, session.task_id, session.calls) == (UUID, "aaaaaa", 0)
        assert session.started_at == moment(1)
        assert report.sessions["added"] == 1
        assert imported(origin).sessions["added"] == 0

    def test_a_session_that_two_tasks_claim_is_the_older_ones(self, origin):
        origin.task("bbbbbb", created_at=at(5), session_uuid=UUID)
        origin.task("aaaaaa", session_uuid=UUID)
        for id in ("aaaaaa", "bbbbbb", UUID):
            origin.tool(id, 10, 1)
        report = imported(origin)
        assert dict(Session.objects.values_list("key", "calls")) == {UUID: 2, "bbbbbb": 1}
        assert Session.objects.get(key=UUID).task_id == "aaaaaa"
        claims = "tasks that claim the session of an older task: each keeps its own calls"
        assert report.notes[claims] == 1

    def test_a_session_told_later_does_not_bring_calls_twice(self, origin):
        origin.task(status="running")
        origin.tool(seconds=2)
        imported(origin)
        origin.execute("UPDATE tasks SET session_uuid = ?", UUID)
        origin.tool(seconds=4, success=1)
        origin.tool(seconds=30, success=1)
        report = imported(origin)
        assert counts(report, "tool_usage") == (3, 1, 1, 1, 0)
        assert dict(Session.objects.values_list("key", "calls")) == {"aaaaaa": 1, UUID: 1}
        assert ToolCall.objects.get(tool_use_id="origin:1").success is True
        assert imported(origin).added == 0

    def test_a_session_known_from_before_learns_its_task(self, origin):
        origin.tool(UUID, success=1)
        imported(origin)
        origin.task(session_uuid=UUID)
        imported(origin)
        assert Session.objects.get().task_id == "aaaaaa"

    def test_a_session_that_was_reported_live_is_the_same(self, origin):
        record([SessionEvent(session_key=UUID, at=moment(500), title="Roof")])
        origin.task(session_uuid=UUID)
        origin.tool(UUID, 2, 1)
        report = imported(origin)
        session = Session.objects.get()
        assert (session.title, session.calls, session.started_at) == ("Roof", 1, moment(2))
        assert report.sessions["added"] == 0

    def test_calls_of_a_task_that_cannot_be_read_are_kept(self, origin):
        origin.task(status="lost")
        origin.tool(success=1)
        imported(origin)
        session = Session.objects.get()
        assert (session.key, session.task_id) == ("aaaaaa", "aaaaaa")
        assert not Session.objects.code().exists()


class TestFilesAndDocuments:
    def test_a_file_is_taken_with_its_counts_and_tasks(self, origin):
        origin.task()
        origin.file(
            file_size=120,
            file_hash="abc",
            task_ids=json.dumps(["aaaaaa", "gone"]),
            operations=json.dumps({"read": 2, "edit": 1, "move": 4}),
        )
        report = imported(origin)
        file = ImportedFile.objects.get()
        assert (file.path, file.accesses, file.size, file.digest) == ("/w/x.py", 3, 120, "abc")
        assert (file.reads, file.writes, file.edits) == (2, 0, 1)
        assert (file.first_at, file.last_at) == (moment(), moment(9))
        assert [task.id for task in file.tasks.all()] == ["aaaaaa"]
        assert report.notes["ids at files that are no task's: passed over"] == 1

    def test_the_later_word_on_a_file_counts(self, origin):
        origin.file()
        imported(origin)
        origin.execute("UPDATE files SET access_count = 9, last_accessed = ?", at(20))
        imported(origin)
        assert ImportedFile.objects.get().accesses == 9
        origin.execute("UPDATE files SET access_count = 1, last_accessed = ?", at(2))
        imported(origin)
        assert ImportedFile.objects.get().accesses == 9

    @pytest.mark.parametrize(
        "wrong",
        [
            {"operations": "[]"},
            {"operations": '{"read": "two"}'},
            {"task_ids": "{}"},
            {"access_count": "many"},
            {"path": "x" * 501},
            {"first_seen": "yesterday"},
        ],
    )
    def test_a_file_that_cannot_be_read_is_left_out(self, origin, wrong):
        origin.file(**wrong)
        assert counts(imported(origin), "files") == (1, 0, 0, 0, 1)

    def test_documents_are_taken_with_their_state(self, origin):
        origin.task()
        origin.document(task_id="aaaaaa")
        origin.document("old.md", "archived", archived_at=at(4), notes="replaced")
        origin.document("gone.md", "deleted")
        imported(origin)
        assert Document.objects.get(path="API.md").task_id == "aaaaaa"
        old = Document.objects.get(path="old.md")
        assert (old.status, old.archived_at, old.notes) == ("archived", moment(4), "replaced")
        assert (old.created_at, old.updated_at) == (moment(), moment(5))
        assert Document.objects.get(path="gone.md").status == "deleted"

    def test_a_document_that_was_changed_here_since_stays(self, origin):
        origin.document()
        imported(origin)
        Document.objects.update(status="archived", updated_at=moment(100))
        imported(origin)
        assert Document.objects.get().status == "archived"

    def test_a_document_that_changed_there_since_changes_here(self, origin):
        origin.document()
        imported(origin)
        origin.execute("UPDATE documents SET status = 'deleted', updated_at = ?", at(50))
        imported(origin)
        assert Document.objects.get().status == "deleted"

    def test_a_document_in_an_unknown_state_is_left_out(self, origin):
        origin.document(status="lost")
        report = imported(origin)
        assert counts(report, "documents") == (1, 0, 0, 0, 1)
        assert "status" in report.left_out[0].cause


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
