from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from monitor.detail.address import Address
from monitor.detail.family import Family
from monitor.detail.log import Log
from monitor.detail.wording import headline
from monitor.detail.work import Work
from sessions.models import Session
from sessions.models.session import SessionStatus
from tasks.models import Task


@dataclass(frozen=True)
class SessionDetail:
    """The page of a session, in the state it has at `now`."""

    session: Session
    address: Address
    now: datetime

    @property
    def title(self) -> str:
        return headline(self.session.title) or f"Session {self.session.key}"

    @property
    def status(self) -> SessionStatus:
        return self.session.status(self.now)

    @property
    def is_followed(self) -> bool:
        return self.status != SessionStatus.COMPLETED

    @cached_property
    def task(self) -> Task | None:
        """The task it works on, if that was reported."""
        return Task.objects.filter(id=self.session.task_id).first()

    @cached_property
    def work(self) -> Work:
        return Work(Family("id", self.session.pk), self.address, self.now)

    @cached_property
    def log(self) -> Log:
        """Its own log and that of its task, with what was logged for a task of its key."""
        names = {self.session.key, self.session.task_id}
        ids = frozenset(name for name in names if name)
        return Log(ids, self.work.family, self.address)
