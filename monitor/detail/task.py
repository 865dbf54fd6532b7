from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.contrib.auth.models import User
from django.db.models import QuerySet

from docsviewer.models import Document
from monitor.detail.actions import ACTIONS, ATTACH, CHANGE, Action
from monitor.detail.address import Address
from monitor.detail.family import Family
from monitor.detail.log import Log
from monitor.detail.wording import category_words, headline
from monitor.detail.work import Shown, Work
from sessions.models import ImportedFile, Session
from tasks.models import Attachment, Task


@dataclass(frozen=True)
class TaskDetail:
    """The page of a task for `user`. `action` names what is to be confirmed or filled in."""

    task: Task
    address: Address
    now: datetime
    user: User
    action: str = ""
    fault: str = ""
    notice: str = ""

    @property
    def title(self) -> str:
        return headline(self.task.description) or f"Task {self.task.id}"

    @property
    def is_followed(self) -> bool:
        """Whether it asks for news of itself: never beneath somebody who answers a question."""
        return self.task.is_active and not (self.asked or self.attaching)

    @cached_property
    def offered(self) -> list[Action]:
        """What the reader may do to the task as it is."""
        fitting = [action for action in ACTIONS.values() if action.fits(self.task)]
        return fitting if self.user.has_perm(CHANGE) else []

    @property
    def asked(self) -> Action | None:
        """The action to be confirmed."""
        return next((action for action in self.offered if action.name == self.action), None)

    @cached_property
    def may_attach(self) -> bool:
        return self.user.has_perm(ATTACH)

    @property
    def attaching(self) -> bool:
        return self.action == "attach" and self.may_attach

    @property
    def category(self) -> str:
        return category_words(self.task.error_category)

    @property
    def phase(self) -> str:
        number = f"{self.task.phase_number}: " if self.task.phase_number else ""
        return f"{number}{self.task.phase}" if self.task.phase else ""

    @property
    def process(self) -> str:
        """As pid@host, of which either may be unknown."""
        if self.task.pid is None:
            return self.task.host
        return f"{self.task.pid}@{self.task.host}" if self.task.host else str(self.task.pid)

    @cached_property
    def family(self) -> Family:
        return Family("task_id", self.task.id)

    @cached_property
    def work(self) -> Work:
        return Work(self.family, self.address, self.now)

    @cached_property
    def log(self) -> Log:
        return Log(frozenset({self.task.id}), self.family, self.address)

    @cached_property
    def sessions(self) -> Shown:
        """Its sessions, but for one that merely stands in for them."""
        own = Session.objects.code().filter(task_id=self.task.id)
        return self.work.stated(own)

    @cached_property
    def imported_files(self) -> Shown:
        return Shown.first(ImportedFile.objects.filter(tasks=self.task.id).order_by("path"))

    @cached_property
    def documents(self) -> Shown:
        return Shown.first(Document.objects.filter(task_id=self.task.id).order_by("path"))

    @cached_property
    def screenshots(self) -> Shown:
        return Shown.first(self.attached(Attachment.Kind.SCREENSHOT))

    @cached_property
    def papers(self) -> Shown:
        """The documents that are attached, as distinct from those of the documentation."""
        return Shown.first(self.attached(Attachment.Kind.DOCUMENT))

    def attached(self, kind: Attachment.Kind) -> QuerySet[Attachment]:
        return self.task.attachments.filter(kind=kind).order_by("created_at", "id")
