import json

import pytest

from tasks.models import Activity, Status, Task
from tests.monitor.origin_database.origindb import at, log
from tests.monitor.origin_database.taken import counts, everything, imported, moment

UUID = "16fd9350-d887-414f-af2f-b235f0bec729"
pytestmark = pytest.mark.django_db


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
