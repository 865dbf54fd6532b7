"""The story of a piece of work as its agent would report it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from monitor.demo.cast import ERRORS, HOSTS, OUTAGE, PHASES, RESULTS
from monitor.demo.marks import SOURCE
from monitor.demo.month import Job
from monitor.demo.story import MILLISECOND, Call, Story
from sessions.events import SessionEnded, SessionEvent, SessionNote, ToolEnded, ToolStarted
from tasks.reporting import Report

MOMENT = timedelta(seconds=3)


def reports(job: Job, story: Story | None) -> Iterator[Report]:
    """What is reported of the task itself; a pending one has no story yet."""
    yield Report(
        task_id=job.id,
        at=job.at,
        status="pending",
        message="Given out",
        user_id=job.user_id,
        description=job.description,
        workspace=f"/srv/{job.workspace}",
        agent_type=job.agent,
        model=job.model,
    )
    if story:
        yield Report(task_id=job.id, at=story.began, status="running", message="Taken up")
        yield from _progress(job, story)
    if story and not job.is_live:
        yield _end(job, story.end + MOMENT)


def _progress(job: Job, story: Story) -> Iterator[Report]:
    """A line for each phase of the work."""
    for number, phase in enumerate(PHASES[: 2 if job.is_live else 3], 1):
        yield Report(
            task_id=job.id,
            at=story.calls[number * len(story.calls) // 4].at,
            message=f"Now {phase} {job.thing}",
            phase=phase,
            phase_number=number,
            last_agent_type=job.agent,
            output_lines=40 * number,
        )


def _end(job: Job, at: datetime) -> Report:
    number = job.chance.randrange(2, 200)
    error = OUTAGE if job.is_bad_day else job.chance.choice(ERRORS)
    words: dict[str, dict[str, Any]] = {
        "completed": {"result": job.chance.choice(RESULTS).format(number)},
        "failed": {"error": error.format(number)},
        "stopped": {"error": "Stopped by the user"},
    }
    return Report(task_id=job.id, at=at, status=job.end, **words[job.end])


def events(story: Story, parent_key: str = "") -> Iterator[SessionEvent]:
    """What is told of a session, and of its sub-agents."""
    yield _start(story, parent_key)
    for number, call in enumerate(story.calls):
        yield from _called(story, f"toolu_{number:03}", call)
    if not story.job.is_live:
        at = story.end
        note: dict[str, Any] = {
            "event": "Stop",
            "message": f"Answered: that was {story.job.thing}.",
        }
        yield SessionNote(session_key=story.key, at=at - MILLISECOND, **note)
        yield SessionEnded(session_key=story.key, at=at, reason="prompt_input_exit")
    for below in story.below:
        yield from events(below, story.key)


def _start(story: Story, parent_key: str) -> SessionNote:
    """The first that is heard of a session, with all facts."""
    job = story.job
    return SessionNote(
        session_key=story.key,
        parent_key=parent_key,
        task_id=job.task_id,
        at=story.began,
        event="UserPromptSubmit",
        message=f"Prompt: {story.title}",
        user_id=job.user_id,
        agent="explorer" if parent_key else job.agent,
        model=story.model,
        workspace=f"/srv/{job.workspace}",
        host=job.chance.choice(HOSTS),
        git_branch=f"{job.thing}-{job.chance.randrange(100, 999)}",
        title=story.title,
        source=SOURCE,
    )


def _called(story: Story, id: str, call: Call) -> Iterator[ToolStarted]:
    base: dict[str, Any] = {"session_key": story.key, "tool_use_id": id, "tool_name": call.tool}
    yield ToolStarted(**base, at=call.at, parameters=call.parameters)
    if call.ms is not None:
        told: dict[str, Any] = {
            "success": not call.error,
            "error": call.error,
            "duration_ms": call.ms,
        }
        yield ToolEnded(**base, at=call.end, **told)
