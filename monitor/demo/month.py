"""When work is given out in the invented month: by the hour, the weekday, and one bad day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.utils import timezone

from monitor.demo.cast import AGENTS, MODELS, SHARES, THINGS, WORK, WORKSPACES
from monitor.demo.chance import Chance
from monitor.demo.marks import MARK

HOUR = timedelta(hours=1)
WEEK = (11, 13, 12, 12, 9, 3, 2)  # pieces of work a day, from Monday
HOURS = {2: 4, 8: 4, 9: 11, 10: 14, 11: 13, 12: 6, 13: 8, 14: 13, 15: 13, 16: 11, 17: 7, 20: 3}
ENDS = {"completed": 86, "failed": 9, "stopped": 5}
BAD_DAY = 5  # work days ago
BAD_ENDS = ("failed", "completed", "failed", "stopped", "failed")  # in turn: bad for every seed
LIVE = ("running", "running", "running", "open", "open", "pending", "pending")


@dataclass(frozen=True)
class Job:
    """A piece of work given out at `at`: a task, or a session of its own (`is_session`).

    `end` is how it ends: completed, failed, stopped; or running, open, pending: not yet. Of these
    what has happened so far lies before `now`.
    """

    id: str
    at: datetime
    end: str
    user_id: str
    agent: str
    model: str
    workspace: str
    thing: str
    description: str
    is_session: bool
    is_bad_day: bool
    now: datetime

    @property
    def chance(self) -> Chance:
        return Chance.of(self.id)

    @property
    def is_live(self) -> bool:
        return self.end in LIVE

    @property
    def task_id(self) -> str:
        """Blank where it is a session of no task."""
        return "" if self.is_session else self.id


def month(seed: int, days: int, now: datetime) -> Iterator[Job]:
    """The work of `days` days up to `now`, oldest first.

    What has ended, or should have, lies before this hour's beginning, and is the same for all its
    minutes; what goes on is of the last minutes.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    moments = [at for at in _moments(seed, days, hour) if hour - days * 24 * HOUR <= at < hour]
    bad = _bad_day(hour)
    for number, at in enumerate(moments):
        yield _job(seed, number, at, _end(seed, number, at, bad), bad, now)
    minute = now.replace(second=0, microsecond=0)
    for number, end in enumerate(LIVE):
        at = minute - timedelta(minutes=7 + 5 * number)
        yield _job(seed, 9_000 + number, at, end, bad, minute)


def _moments(seed: int, days: int, hour: datetime) -> Iterator[datetime]:
    """Of each day by its number before today, so that another hour changes none of them."""
    today = timezone.localdate(hour)
    for ago in range(days, -1, -1):
        day = today - timedelta(days=ago)
        chance = Chance.of(seed, "day", ago)
        count = max(round(chance.gauss(WEEK[day.weekday()], 1.5)), 1)
        hours = sorted(chance.weighted(HOURS) + chance.random() for _ in range(count))
        midnight = timezone.make_aware(datetime.combine(day, time()))
        yield from (midnight + at * HOUR for at in hours)


def _bad_day(hour: datetime) -> datetime:
    """The beginning of the work day on which the network was down."""
    days = (timezone.localdate(hour) - timedelta(days=ago) for ago in range(1, 15))
    worked = [day for day in days if day.weekday() < 5]
    return timezone.make_aware(datetime.combine(worked[BAD_DAY - 1], time()))


def _end(seed: int, number: int, at: datetime, bad: datetime) -> str:
    if bad <= at < bad + 24 * HOUR:
        return BAD_ENDS[number % len(BAD_ENDS)]
    return Chance.of(seed, "end", number).weighted(ENDS)


def _job(seed: int, number: int, at: datetime, end: str, bad: datetime, now: datetime) -> Job:
    chance = Chance.of(seed, "job", number)
    thing = chance.choice(THINGS)
    return Job(
        id=f"{MARK}{seed}-{number:04}",
        at=at.replace(microsecond=0),
        end=end,
        user_id=chance.weighted(SHARES),
        agent=chance.weighted(AGENTS),
        model=chance.weighted(MODELS),
        workspace=chance.choice(list(WORKSPACES)),
        thing=thing,
        description=chance.choice(WORK).format(thing),
        is_session=end == "open" or (end == "completed" and chance.happens(0.3)),
        is_bad_day=bad <= at < bad + 24 * HOUR,
        now=now,
    )
