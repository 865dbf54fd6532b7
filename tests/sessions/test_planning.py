from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.models import ToolCall
from sessions.planning import PLANNING_TOOLS, Plan, Step, StepStatus, plan

PENDING, RUNNING, DONE = StepStatus.PENDING, StepStatus.IN_PROGRESS, StepStatus.COMPLETED


@dataclass(frozen=True)
class Call:
    tool_name: str
    parameters: Any
    success: bool | None = True


def write(*todos: Any) -> Call:
    return Call("TodoWrite", {"todos": list(todos)})


def todo(content: str, status: Any = "pending", active: str = "") -> dict[str, Any]:
    return {"content": content, "status": status, "activeForm": active}


def create(subject: str, **more: Any) -> Call:
    return Call("TaskCreate", {"subject": subject, **more})


def update(number: Any, **more: Any) -> Call:
    return Call("TaskUpdate", {"taskId": number, **more})


def steps(*calls: Call) -> tuple[Step, ...]:
    found = plan(calls)
    return found.items if found else ()


class TestPlan:
    def test_it_counts_its_steps(self) -> None:
        found = Plan((Step("a", DONE), Step("b", DONE), Step("c", RUNNING), Step("d")))
        assert (found.completed, found.in_progress, found.total) == (2, 1, 4)

    def test_without_planning_calls_there_is_none(self) -> None:
        assert plan([]) is None
        assert plan([Call("Bash", {"todos": [todo("a")]})]) is None

    def test_tool_calls_can_be_asked(self) -> None:
        row = ToolCall(tool_name="TodoWrite", parameters={"todos": [todo("a")]})
        assert plan([row]) == Plan((Step("a"),))


class TestTodoWrite:
    def test_the_latest_list_counts(self) -> None:
        first = write(todo("a", "in_progress", "Doing a"), todo("b"))
        latest = write(todo("a", "completed", "Doing a"), todo("b", "in_progress", "Doing b"))
        assert steps(first, Call("Bash", {}), latest) == (
            Step("a", DONE, "Doing a"),
            Step("b", RUNNING, "Doing b"),
        )

    def test_an_emptied_list_is_no_plan(self) -> None:
        assert plan([write(todo("a")), write()]) is None

    def test_a_call_that_failed_changes_nothing(self) -> None:
        failed = Call("TodoWrite", {"todos": [todo("b")]}, success=False)
        assert steps(write(todo("a")), failed) == (Step("a"),)

    def test_a_call_that_still_runs_counts(self) -> None:
        assert steps(Call("TodoWrite", {"todos": [todo("a")]}, success=None)) == (Step("a"),)

    @pytest.mark.parametrize(
        "parameters", [{"cut": "17000 bytes"}, {"todos": "[redacted]"}, {"todos": None}, None, []]
    )
    def test_a_list_that_cannot_be_read_leaves_the_one_before(self, parameters: Any) -> None:
        assert steps(write(todo("a")), Call("TodoWrite", parameters)) == (Step("a"),)

    @pytest.mark.parametrize("status", ["", "blocked", "PENDING", None, 3, ["completed"], {}])
    def test_an_unknown_status_is_pending(self, status: Any) -> None:
        assert steps(write(todo("a", status))) == (Step("a", PENDING),)

    def test_what_is_no_step_is_left_out(self) -> None:
        assert steps(write(3, None, "x", [todo("b")], todo("a"))) == (Step("a"),)

    def test_missing_and_odd_texts_are_blank(self) -> None:
        assert steps(write({}, {"content": ["x"], "activeForm": {}})) == (Step(""), Step(""))


class TestTaskTools:
    def test_steps_are_added_and_changed_by_number(self) -> None:
        calls = [
            create("a", description="long", activeForm="Doing a"),
            create("b"),
            update("1", status="completed"),
            update(2, status="in_progress", activeForm="Doing b", subject="B"),
        ]
        assert steps(*calls) == (Step("a", DONE, "Doing a"), Step("B", RUNNING, "Doing b"))

    def test_numbers_are_not_used_again(self) -> None:
        calls = [create("a"), create("b"), update("1", status="deleted"), create("c")]
        assert steps(*calls, update("3", status="completed")) == (Step("b"), Step("c", DONE))

    def test_a_change_without_a_status_keeps_it(self) -> None:
        calls = [create("a"), update("1", status="completed"), update("1", subject="b")]
        assert steps(*calls) == (Step("b", DONE),)

    def test_an_unknown_status_is_pending(self) -> None:
        calls = [create("a"), update("1", status="completed"), update("1", status=["x"])]
        assert steps(*calls) == (Step("a", PENDING),)

    @pytest.mark.parametrize("number", ["2", "", None, [1], {}, "one", -1])
    def test_a_change_of_an_unknown_step_is_passed_over(self, number: Any) -> None:
        assert steps(create("a"), update(number, status="completed")) == (Step("a"),)

    def test_a_number_beyond_all_reason_is_passed_over(self) -> None:
        assert steps(create("a"), update(10**5000, status="completed")) == (Step("a"),)

    def test_a_creation_that_failed_took_no_number(self) -> None:
        failed = Call("TaskCreate", {"subject": "x"}, success=False)
        assert steps(failed, create("a"), update("1", status="completed")) == (Step("a", DONE),)

    def test_one_whose_text_was_cut_away_keeps_its_number(self) -> None:
        cut = Call("TaskCreate", {"cut": "20000 bytes"})
        assert steps(cut, create("b"), update("2", status="completed")) == (
            Step(""),
            Step("b", DONE),
        )

    def test_a_plan_of_which_all_is_deleted_is_none(self) -> None:
        assert plan([create("a"), update("1", status="deleted")]) is None


class TestBothKinds:
    def test_the_newest_call_decides_which_is_shown(self) -> None:
        assert steps(create("a"), write(todo("b"))) == (Step("b"),)
        assert steps(write(todo("b")), create("a")) == (Step("a"),)
        assert steps(create("a"), write(todo("b")), update("1", status="completed")) == (
            Step("a", DONE),
        )


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["1", "", "deleted"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["todos", "content", "status", "subject", "taskId", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


class TestHostileCalls:
    @given(st.lists(st.builds(Call, st.sampled_from([*PLANNING_TOOLS, "Bash", ""]), json)))
    def test_any_shape_is_read_or_passed_over(self, calls: list[Call]) -> None:
        found = plan(calls)
        assert found is None or 0 <= found.completed + found.in_progress <= found.total
        assert found is None or all(isinstance(step.text, str) for step in found.items)
