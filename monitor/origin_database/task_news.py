"""The rows of tasks, told to tasks.reporting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from monitor.origin_database.batches import Misfit
from monitor.origin_database.lines import log_lines, write_lines
from monitor.origin_database.owners import Owners
from monitor.origin_database.reader import Origin, Raw
from monitor.origin_database.refusal import Refused
from monitor.origin_database.report import Report
from monitor.origin_database.rows import TaskRow, Unreadable, parsed, read_task
from monitor.origin_database.times import Times
from sessions.events import SessionEvent
from sessions.recording import record
from tasks import reporting
from tasks.identity import Invalid
from tasks.models import Activity, Status, Task


@dataclass(frozen=True, slots=True)
class TaskNews:
    """One task of the origin, and the line of its logs that tells of its start, if one does."""

    row: TaskRow
    created_at: datetime
    updated_at: datetime
    lines: Sequence[Activity]
    start: Activity | None

    @property
    def weight(self) -> int:
        return 1 + len(self.lines)

    @property
    def known_since(self) -> datetime:
        """When it was at work, for a session of which nothing else is known."""
        return self._start_time() or self.updated_at

    def reports(self) -> Iterator[reporting.Report]:
        """Its start, if that is known, and its state with all that is known of it."""
        start = self._start_time()
        if self.start and start:  # the line is there already: this tells the state alone
            yield reporting.Report(
                task_id=self.row.task_id,
                at=start,
                status=Status.RUNNING,
                event_id=self.start.event_id,
                created_at=self.created_at,
            )
        is_news = self.row.status != Status.PENDING and not (
            start and self.row.status == Status.RUNNING
        )
        yield self._state(self.row.status if is_news or self.row.error or self.row.result else "")

    def _start_time(self) -> datetime | None:
        """A start told of a task that is pending, or after its end, is none."""
        if self.start is None or self.row.status == Status.PENDING:
            return None
        at = max(self.start.time, self.created_at)
        return at if at <= self.updated_at else None

    def _state(self, status: str) -> reporting.Report:
        row = self.row
        return reporting.Report(
            task_id=row.task_id,
            at=self.updated_at,
            status=status,
            event_id=f"state:{status}" if status else "",
            error=row.error or "",
            result=row.result or "",
            created_at=self.created_at,
            user_id=str(row.user_id),
            description=row.description,
            model=row.model or "",
            workspace=row.workspace or "",
            agent_type=row.agent_type or "",
            last_agent_type=row.last_agent_type or "",
            workflow=row.workflow or "",
            context=row.context or "",
            phase=row.current_phase or "",
            phase_number=row.phase_number,
            pid=row.pid,
        )


@dataclass(slots=True)
class Tasks:
    """The rows of tasks; `with_calls` are the ids under which tool_usage holds rows."""

    origin: Origin
    owners: Owners
    times: Times
    report: Report
    started: Mapping[str, Activity]
    with_calls: Set[str]

    def read(self) -> Iterator[TaskNews]:
        for raw in self.origin.rows("tasks", TaskRow.__struct_fields__, "created_at, task_id"):
            self.report.lines["tasks"].read += 1
            try:
                yield self._news(read_task(raw))
            except Unreadable as fault:
                self._refuse_all(raw, fault)

    def _news(self, row: TaskRow) -> TaskNews:
        if cause := self.owners.strangers.get(row.task_id):
            raise Unreadable(cause)
        created_at = self.times.instant(row.created_at, "created_at")
        updated_at = self.times.instant(row.updated_at, "updated_at", created_at)
        lines = log_lines(row, created_at, self.times, self.report)
        too_long = any(
            len(getattr(row, name) or "") > limit
            for name, limit in reporting.LIMITS.items()
            if hasattr(row, name)
        )
        self.report.notes["tasks with a text longer than is kept: it is cut"] += too_long
        start = _first_start(lines, self.started.get(row.task_id))
        return TaskNews(row, created_at, max(updated_at, created_at), lines, start)

    def _refuse_all(self, raw: Raw, fault: Unreadable) -> None:
        """A task that is left out, and its log with it."""
        self.report.refuse("tasks", raw["task_id"], fault)
        try:
            entries = len(parsed(raw.get("activity_log") or b"[]", list[object], "activity_log"))
        except Unreadable:
            entries = 1
        if entries:
            self.report.lines["activity_log"].read += entries
            self.report.refuse(
                "activity_log", raw["task_id"], f"{entries:,} entries, with their task", entries
            )

    def take(self, batch: Sequence[TaskNews]) -> Callable[[], None]:
        before = _states(batch)
        lines = [line for news in batch for line in news.lines]
        new_lines = write_lines(lines)
        _tell(batch)
        new_sessions = self._tell_silent_sessions(batch)
        after = _states(batch)
        if lost := len(batch) - len(after):
            raise Refused(f"{lost:,} tasks were written, but are not found again")
        moved = sum(after[id] != state for id, state in before.items())

        def count() -> None:
            new = len(batch) - len(before)
            self.report.book("tasks", added=new, there=len(before))
            self.report.book("activity_log", added=new_lines, there=len(lines) - new_lines)
            self.report.notes["tasks known from before that moved to another state"] += moved
            self.report.sessions.update(new_sessions)

        return count

    def refuse(self, news: TaskNews, misfit: Misfit) -> None:
        self.report.refuse("tasks", news.row.task_id, misfit)
        if news.lines:
            self.report.refuse("activity_log", news.row.task_id, misfit, len(news.lines))

    def _tell_silent_sessions(self, batch: Sequence[TaskNews]) -> dict[str, int]:
        """Sessions that tasks name, and of which tool_usage knows no call."""
        events = [
            SessionEvent(
                session_key=owner.session_key,
                at=news.known_since,
                task_id=owner.task_id,
                **owner.facts,
            )
            for news in batch
            if (owner := self.owners.tasks[news.row.task_id]).session_key != owner.task_id
            if not self.with_calls & {owner.session_key, owner.task_id}
        ]
        return {"read": len(events), "added": record(events).sessions_added if events else 0}


def _first_start(lines: Sequence[Activity], told: Activity | None) -> Activity | None:
    """The first line, of either log, that says that work began."""
    starts = [line for line in lines if line.message.lower().startswith("start")]
    return min([*starts[:1], *filter(None, [told])], key=lambda line: line.time, default=None)


def _states(batch: Sequence[TaskNews]) -> dict[str, str]:
    ids = [news.row.task_id for news in batch]
    return dict(Task.objects.filter(id__in=ids).values_list("id", "status"))


def _tell(batch: Sequence[TaskNews]) -> None:
    reports = [(news, report) for news in batch for report in news.reports()]
    try:
        reporting.report_many([report for _, report in reports])
    except Invalid as fault:
        raise Misfit(reports[fault.place][0], fault) from None
