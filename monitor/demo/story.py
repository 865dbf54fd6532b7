"""What happens in a piece of work: the tool calls of its session and of its sub-agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitor.demo.cast import COMMANDS, PLAN, SMALL_MODELS, TOOLS, WORKSPACES
from monitor.demo.chance import Chance
from monitor.demo.month import Job

SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
FAILED_ON_BAD_DAY = 0.35
LIVE_CALLS = 12
SUFFIXES = (".py", "_test.py", ".ts", "/models.py", "/views.py", "/README.md")


@dataclass(frozen=True)
class Call:
    """One call of a tool; `ms` is None while it is under way."""

    at: datetime
    tool: str
    parameters: Mapping[str, Any]
    ms: int | None
    error: str = ""

    @property
    def end(self) -> datetime:
        return self.at + (self.ms or 0) * MILLISECOND


@dataclass(frozen=True)
class Story:
    """A session of a job with its calls, and those of the sub-agents that it sent out."""

    job: Job
    key: str
    model: str
    began: datetime
    title: str
    calls: Sequence[Call]
    below: Sequence[Story] = ()

    @property
    def end(self) -> datetime:
        """A moment after its last call."""
        return max([self.began, *(call.end for call in self.calls)]) + 2 * SECOND

    def sessions(self) -> list[Story]:
        """Itself and its sub-agents."""
        return [self, *self.below]


def tell(job: Job) -> Story:
    """All that happens in a job that is not pending."""
    chance = job.chance
    began = job.at + chance.around(4, 0.8, most=60) * SECOND
    if job.is_live:
        calls = _planned(job, _live_calls(job, chance, began))
        return Story(job, f"{job.id}-a", job.model, began, job.description, calls)
    calls = _planned(job, _calls(job, chance, began, 3 + int(chance.around(17, 0.6, most=90))))
    below = _delegated(job, chance, calls) if chance.happens(0.3) else []
    calls = sorted([*calls, *map(_sent_out, below)], key=lambda call: call.at)
    return Story(job, f"{job.id}-a", job.model, began, job.description, calls, below)


def _calls(job: Job, chance: Chance, at: datetime, count: int) -> list[Call]:
    """So many calls, one after the other."""
    calls = []
    for _ in range(count):
        at += chance.around(14, 0.9, most=400) * SECOND
        calls.append(_call(job, chance, at))
        at = calls[-1].end
    return calls


def _live_calls(job: Job, chance: Chance, began: datetime) -> list[Call]:
    """Calls at even distances up to now; of a running task the last one is under way."""
    step = (job.now - began) / (LIVE_CALLS + 1)
    calls = [
        _call(job, chance, began + number * step, most=step / 2 / MILLISECOND)
        for number in range(1, LIVE_CALLS + 1)
    ]
    test = {"command": f"pytest -q tests/{job.thing}"}
    under_way = Call(calls[-1].end + SECOND, "Bash", test, None)
    return [*calls, under_way] if job.end == "running" else calls


def _call(job: Job, chance: Chance, at: datetime, most: float = 120_000) -> Call:
    """A call at `at` of at most so many milliseconds."""
    name = chance.weighted({name: tool.weight for name, tool in TOOLS.items()})
    tool = TOOLS[name]
    is_network = name in ("Bash", "WebFetch", "WebSearch")
    share = FAILED_ON_BAD_DAY if job.is_bad_day and is_network else tool.failures
    error = chance.choice(tool.errors).format(chance.randrange(2, 400)) * chance.happens(share)
    ms = chance.around(tool.median, tool.spread, most=most)
    return Call(at, name, _parameters(job, chance, name), round(ms), error)


def _parameters(job: Job, chance: Chance, tool: str) -> dict[str, Any]:
    folder = WORKSPACES[job.workspace]
    file = f"/srv/{job.workspace}/{folder}/{job.thing}{chance.choice(SUFFIXES)}"
    known: dict[str, dict[str, Any]] = {
        "Bash": {"command": chance.choice(COMMANDS).format(job.thing)},
        "Grep": {"pattern": f"def {job.thing}_", "path": folder},
        "Glob": {"pattern": f"**/*{job.thing}*"},
        "WebFetch": {"url": f"https://docs.example.org/{job.thing}", "prompt": "Find the limits"},
        "WebSearch": {"query": f"{job.thing} paging best practice"},
        "Edit": {"file_path": file, "old_string": "return None", "new_string": "return found"},
        "Write": {"file_path": file, "content": f"# {job.thing}\n"},
        "Read": {"file_path": file},
    }
    return known.get(tool, {"about": job.thing})


def _planned(job: Job, calls: list[Call]) -> list[Call]:
    """With the plan written down at first, and ticked off as the work goes on."""
    over = [call for call in calls if call.ms is not None]
    done = {"completed": len(PLAN), "open": len(PLAN) - 1, "failed": 3}.get(job.end, 2)
    spots = [index * (len(over) - 1) // max(done, 1) for index in range(done + 1)]
    written = [
        Call(over[spot].end + MILLISECOND, "TodoWrite", {"todos": _todos(job, step)}, 2 + spot % 9)
        for step, spot in enumerate(spots)
    ]
    return sorted([*calls, *written], key=lambda call: call.at)


def _todos(job: Job, done: int) -> list[dict[str, str]]:
    states = ["completed"] * done + ["in_progress"] + ["pending"] * len(PLAN)
    steps = zip(PLAN.items(), states, strict=False)
    return [
        {"content": step.format(job.thing), "status": state, "activeForm": doing.format(job.thing)}
        for (step, doing), state in steps
    ]


def _delegated(job: Job, chance: Chance, calls: Sequence[Call]) -> list[Story]:
    """A sub-agent or two, each sent out after a call."""
    title = f"Look through everything about {job.thing}"
    stories = []
    for letter in "bc"[: chance.choice((1, 1, 2))]:
        at = chance.choice(calls).end + MILLISECOND
        own = _calls(job, chance, at, chance.randrange(4, 12))
        model = chance.weighted(SMALL_MODELS)
        stories.append(Story(job, f"{job.id}-{letter}", model, at, title, own))
    return stories


def _sent_out(below: Story) -> Call:
    """The call that waits for a sub-agent."""
    asked = {"description": below.title, "subagent_type": "explorer"}
    return Call(below.began, "Agent", asked, (below.end - below.began) // MILLISECOND)
