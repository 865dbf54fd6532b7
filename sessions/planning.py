"""How far a task is by its own plan, read from the calls of its agent's planning tools.

Two kinds of tools are known. TodoWrite carries the whole list each time. TaskCreate adds one step,
numbered from 1 in order of creation, and TaskUpdate changes it. What agents send is not trusted to
have any shape: what cannot be read as a step is left out, and nothing here raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

PLANNING_TOOLS = ("TodoWrite", "TaskCreate", "TaskUpdate")
MAX_STEPS = 10**6


class PlanningCall(Protocol):
    """A tool call, as far as a plan is read from it; a ToolCall is one."""

    @property
    def tool_name(self) -> str: ...
    @property
    def parameters(self) -> Any: ...
    @property
    def success(self) -> bool | None: ...


class StepStatus(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


STATUSES: dict[str, StepStatus] = {status.value: status for status in StepStatus}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan; `active_form` says what is being done while it is in progress."""

    text: str
    status: StepStatus = StepStatus.PENDING
    active_form: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    items: tuple[Step, ...]

    @property
    def total(self) -> int:
        return len(self.items)

    @property
    def completed(self) -> int:
        return self._count(StepStatus.COMPLETED)

    @property
    def in_progress(self) -> int:
        return self._count(StepStatus.IN_PROGRESS)

    def _count(self, status: StepStatus) -> int:
        return sum(step.status is status for step in self.items)


def plan(calls: Iterable[PlanningCall]) -> Plan | None:
    """The plan as it stands after `calls`, given in order of time; None where there is none.

    The newest planning call decides which kind of tool is believed. Other tools are passed over.
    """
    planning = [call for call in calls if call.tool_name in PLANNING_TOOLS and _readable(call)]
    if not planning:
        return None
    newest = planning[-1]
    items = _listed(newest.parameters) if newest.tool_name == "TodoWrite" else _built(planning)
    return Plan(items) if items else None


def whole_plan(call: PlanningCall) -> Plan | None:
    """The plan that one call tells by itself; None where it changes a plan of several calls."""
    return plan([call]) if call.tool_name == "TodoWrite" else None


def _readable(call: PlanningCall) -> bool:
    """Whether it tells of steps. A call that failed, or was cut away, changes no plan."""
    if call.success is False or not isinstance(call.parameters, Mapping):
        return False
    return call.tool_name != "TodoWrite" or isinstance(call.parameters.get("todos"), list)


def _listed(parameters: Mapping[str, Any]) -> tuple[Step, ...]:
    return tuple(
        Step(_text(todo, "content"), _status(todo.get("status")), _text(todo, "activeForm"))
        for todo in parameters["todos"]
        if isinstance(todo, Mapping)
    )


def _built(calls: Iterable[PlanningCall]) -> tuple[Step, ...]:
    steps: dict[str, Step] = {}
    created = 0
    for call in calls:
        if call.tool_name == "TaskCreate":
            created += 1
            steps[str(created)] = _created(call.parameters)
        elif call.tool_name == "TaskUpdate":
            _update(steps, call.parameters)
    return tuple(steps.values())


def _created(parameters: Mapping[str, Any]) -> Step:
    text = _text(parameters, "subject") or _text(parameters, "description")
    return Step(text, active_form=_text(parameters, "activeForm"))


def _update(steps: dict[str, Step], parameters: Mapping[str, Any]) -> None:
    """Change the step that is named; one that is unknown was made elsewhere, and is not shown."""
    number, status = _number(parameters.get("taskId")), parameters.get("status")
    if number not in steps:
        return
    if status == "deleted":
        del steps[number]
        return
    step = steps[number]
    steps[number] = replace(
        step,
        text=_text(parameters, "subject") or step.text,
        active_form=_text(parameters, "activeForm") or step.active_form,
        status=step.status if status is None else _status(status),
    )


def _text(parameters: Mapping[str, Any], key: str) -> str:
    value = parameters.get(key)
    return value if isinstance(value, str) else ""


def _number(value: Any) -> str:
    if isinstance(value, int) and 0 < value < MAX_STEPS:
        return str(value)
    return value if isinstance(value, str) else ""


def _status(value: Any) -> StepStatus:
    known = STATUSES.get(value) if isinstance(value, str) else None
    return known or StepStatus.PENDING
