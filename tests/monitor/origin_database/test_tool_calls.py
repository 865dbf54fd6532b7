import json

import pytest

from sessions.events import SessionEvent
from sessions.models import Session, ToolCall, ToolDay
from sessions.pruning import prune_calls
from sessions.recording import record
from tests.monitor.origin_database.origindb import PLAN, at
from tests.monitor.origin_database.taken import counts, imported, moment

UUID = "16fd9350-d887-414f-af2f-b235f0bec729"
pytestmark = pytest.mark.django_db


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
        session = Session.objects.get()
        assert session.key == session.task_id
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
