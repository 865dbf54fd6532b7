"""Writes the invented month by the product's own functions, so that every sum of it is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from costs import ledger
from monitor.demo import marks
from monitor.demo.events import events, reports
from monitor.demo.files import files
from monitor.demo.month import Job, month
from monitor.demo.spending import chats, requests, set_limits
from monitor.demo.story import Story, tell
from sessions import recording
from tasks import reporting
from tasks.models import Attachment, Task

Watch = Callable[[Iterable[Any], int, str], Iterable[Any]]
Told = list[tuple[Job, Story | None]]


@dataclass(frozen=True)
class Loaded:
    tasks: int
    sessions: int
    calls: int
    records: int
    files: int


def load(
    now: datetime, *, seed: int = 1, days: int = 30, force: bool = False, watch: Watch
) -> Loaded | None:
    """Write a month of work that ends `now` (aware), in one transaction; None if it is loaded.

    The same seed, days and hour give the same rows, but for work still under way, which is of the
    last minutes, and the names of files on the disk. `watch` is given what is told, how many and
    of what. Raises Refused where other data are loaded, or real ones without `force`.
    """
    with transaction.atomic():
        known = marks.seed()
        if known is None:
            _check_alone(force=force)
            return _load(now, seed, days, watch)
    if known != str(seed):
        raise marks.Refused(
            f"Demo data of the seed {known} are loaded already; take them out with --clear first."
        )
    return None


def _check_alone(*, force: bool) -> None:
    others = [] if force else marks.others()
    if others:
        raise marks.Refused(
            f"This database holds {' and '.join(others)} that nobody invented."
            " Take another one, or add --force to load demo data beside them."
        )


def _load(now: datetime, seed: int, days: int, watch: Watch) -> Loaded:
    told, hour = _over(now, seed, days), now.replace(minute=0, second=0, microsecond=0)
    jobs = [(job, story) for job, story in told if job.task_id]
    stories = [story for _, story in told if story]
    reported = reporting.report_many(
        [report for job, story in watch(jobs, len(jobs), "Tasks") for report in reports(job, story)]
    )
    recorded = recording.record(
        [event for story in watch(stories, len(stories), "Sessions") for event in events(story)]
    )
    sessions = [session for story in stories for session in story.sessions()]
    spent = [usage for session in sessions for usage in requests(session)]
    spent += chats(seed, days, hour)
    receipts = ledger.record_many(list(watch(spent, len(spent), "Costs")))
    set_limits(now)
    made = _attach(watch(jobs, len(jobs), "Files"))
    return Loaded(
        reported.tasks, recorded.sessions_added, recorded.calls_added, len(receipts), made
    )


def _over(now: datetime, seed: int, days: int) -> Told:
    """All work with its story; what would have ended after this hour's beginning is left out."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    told: Told = [
        (job, None if job.end == "pending" else tell(job)) for job in month(seed, days, now)
    ]
    return [(job, story) for job, story in told if job.is_live or (story and story.end < hour)]


def _attach(jobs: Iterable[tuple[Job, Story | None]]) -> int:
    """Attach the files, the last thing of all; they go again if anything fails."""
    made: list[Attachment] = []
    try:
        for job, story in jobs:
            made += _attached(job, story)
    except BaseException:
        for attachment in made:
            attachment.file.delete(save=False)
        raise
    return len(made)


def _attached(job: Job, story: Story | None) -> Iterator[Attachment]:
    for name, content in files(job):
        attachment = Task(pk=job.id).attach(name, content)
        attachment.created_at = story.calls[-1].at if story else job.at
        attachment.save(update_fields=["created_at"])
        yield attachment
