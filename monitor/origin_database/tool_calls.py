"""The rows of tool_usage, paired to calls and told to sessions.recording."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Q

from monitor.origin_database.batches import Misfit
from monitor.origin_database.likeness import likeness
from monitor.origin_database.owners import Owner, Owners
from monitor.origin_database.pairing import Call, ToolUse, calls
from monitor.origin_database.reader import Origin, Raw
from monitor.origin_database.refusal import Refused
from monitor.origin_database.report import Report
from monitor.origin_database.rows import ToolRow, Unreadable, json_object, read
from monitor.origin_database.times import Times
from sessions.events import SessionEvent, ToolEnded, ToolStarted
from sessions.merging import merge
from sessions.models import Session, ToolCall
from sessions.recording import record
from tasks.identity import Invalid

TOKENS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "cache_creation_tokens": "cache_write_tokens",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A call, the id it was stored under, and whose it is."""

    call: Call
    id: str
    owner: Owner

    @property
    def tool_use_id(self) -> str:
        return f"origin:{self.call.first.id}"

    @property
    def weight(self) -> int:
        return len(self.call.rows)

    @property
    def began(self) -> datetime:
        """As it would be recorded."""
        call = ToolCall(parameters={})
        for event in self.events(self.id):
            merge(call, event)
        return call.started_at

    def events(self, key: str) -> list[ToolStarted]:
        """Its start and its end, those that are known, in the session `key`."""
        start, end, facts = self.call.start, self.call.end, self._facts(key)
        told_before = start and end and start.parameters == end.parameters
        events: list[ToolStarted] = []
        if start:
            events.append(ToolStarted(at=start.at, parameters=start.parameters, **facts))
        if end:
            events.append(
                ToolEnded(
                    at=max(end.at, start.at) if start else end.at,
                    success=bool(end.success),
                    error=end.error,
                    duration_ms=end.duration_ms,
                    parameters=None if told_before else end.parameters,
                    **_tokens(self.call),
                    **facts,
                )
            )
        return events

    def _facts(self, key: str) -> dict[str, Any]:
        return {
            "session_key": key,
            "task_id": self.owner.task_id,
            "tool_use_id": self.tool_use_id,
            "tool_name": self.call.first.tool_name,
            **self.owner.facts,
        }


@dataclass(slots=True)
class ToolCalls:
    origin: Origin
    owners: Owners
    times: Times
    report: Report
    sessions: set[str] = field(default_factory=set)

    def read(self) -> Iterator[Told]:
        """The calls of one id after the other: what is in memory does not grow with the file."""
        for id, rows in groupby(self._rows(), key=itemgetter(0)):
            owner = self.owners.of(id)
            for call in calls(row for _, row in rows):
                lost = call.end is None and bool(call.first.tokens)
                self.report.notes["token counts of calls without an end: not kept"] += lost
                yield Told(call, id, owner)

    def _rows(self) -> Iterator[tuple[str, ToolUse]]:
        previous: tuple[str, datetime | None] = ("", None)
        for raw in self.origin.rows("tool_usage", ToolRow.__struct_fields__, "task_id, id"):
            self.report.lines["tool_usage"].read += 1
            try:
                row = read(raw, ToolRow)
                since = previous[1] if previous[0] == row.task_id else None
                use = self._use(row, since)
            except Unreadable as fault:
                self.report.refuse("tool_usage", raw["id"], fault)
                continue
            previous = row.task_id, use.at
            self._note(raw, use)
            yield row.task_id, use

    def _use(self, row: ToolRow, previous: datetime | None) -> ToolUse:
        if cause := self.owners.strangers.get(row.task_id):
            raise Unreadable(cause)
        parameters, is_object = json_object(row.parameters)
        self.report.notes["parameters that are no JSON object: kept as raw"] += not is_object
        return ToolUse(
            id=row.id,
            at=self.times.instant(row.timestamp, "timestamp", previous),
            success=None if row.success is None else bool(row.success),
            likeness=likeness(row.task_id, row.tool_name, parameters),
            tool_name=row.tool_name,
            parameters=parameters,
            error=row.error or "",
            duration_ms=row.duration_ms,
            tokens={
                ours: count for theirs, ours in TOKENS.items() if (count := getattr(row, theirs))
            },
        )

    def _note(self, raw: Raw, use: ToolUse) -> None:
        notes = self.report.notes
        notes["rows with token counts"] += bool(use.tokens)
        notes["rows with a screenshot: its path is not kept"] += bool(raw.get("screenshot_path"))

    def take(self, batch: Sequence[Told]) -> Callable[[], None]:
        homes = _Homes(batch)
        completed = 0
        events: list[tuple[Told, SessionEvent]] = []
        for told in batch:
            key, here = homes.of(told)
            if homes.has_pruned(told):
                continue
            if here is None or (here.success is None and told.call.end):
                events += [(told, event) for event in told.events(key)]
                completed += here is not None
            elif told.owner.task_id and homes.task_of(key) != told.owner.task_id:
                events.append((told, _link(told, key)))
        _record(events)
        _prove(homes, batch)
        keys = {homes.of(told)[0] for told in batch}

        def count() -> None:
            there = sum(homes.of(told)[1] is not None or homes.has_pruned(told) for told in batch)
            rows = sum(told.weight for told in batch)
            self.report.book(
                "tool_usage", added=len(batch) - there, there=there, merged=rows - len(batch)
            )
            self.report.notes["calls that had begun before and have now ended"] += completed
            self._count_sessions(keys, homes)

        return count

    def _count_sessions(self, keys: set[str], homes: _Homes) -> None:
        new = keys - self.sessions
        self.sessions |= new
        self.report.sessions["read"] += len(new)
        self.report.sessions["added"] += len(new - homes.known)
        self.report.sessions["standing in"] += len(new & self.owners.tasks.keys())

    def refuse(self, told: Told, misfit: Misfit) -> None:
        self.report.refuse("tool_usage", told.call.first.id, misfit, told.weight)


class _Homes:
    """Where the calls of a batch are, or shall be.

    A task may have been told its session only after some of its calls were imported: these stay
    where they are, so that nothing comes twice.
    """

    def __init__(self, batch: Sequence[Told]) -> None:
        owners = {told.owner.session_key: told.owner for told in batch}
        tasks = {owner.task_id for owner in owners.values()} - {""}
        rows = Session.objects.filter(
            Q(key__in={*owners, *(told.id for told in batch)}) | Q(task_id__in=tasks)
        )
        self.sessions = {session.pk: session for session in rows}
        self.known = {session.key for session in rows}
        self.by_task: dict[str, list[Session]] = defaultdict(list)
        self.by_key = {session.key: session for session in rows}
        for session in rows:
            self.by_task[session.task_id or ""].append(session)
        ids = {told.tool_use_id for told in batch}
        self.calls = {
            (call.session_id, call.tool_use_id): call
            for call in ToolCall.objects.filter(
                session_id__in=self.sessions, tool_use_id__in=ids
            ).only("session_id", "tool_use_id", "success")
        }

    def of(self, told: Told) -> tuple[str, ToolCall | None]:
        """The key of the session that holds a call or shall hold it, and the call as it is."""
        for session in self._candidates(told):
            if call := self.calls.get((session.pk, told.tool_use_id)):
                return session.key, call
        return told.owner.session_key, None

    def has_pruned(self, told: Told) -> bool:
        """Whether the call was here, and is not kept any more."""
        pruned = [session for session in self._candidates(told) if session.calls_kept_from]
        if not pruned or self.of(told)[1]:
            return False
        began = told.began
        return any(session.has_pruned_call(began) for session in pruned)

    def task_of(self, key: str) -> str | None:
        return self.by_key[key].task_id

    def _candidates(self, told: Told) -> Iterator[Session]:
        for key in (told.owner.session_key, told.id):
            if session := self.by_key.get(key):
                yield session
        if told.owner.task_id:
            yield from self.by_task[told.owner.task_id]


def _tokens(call: Call) -> dict[str, Any]:
    """Of each count the greater one: the rows of one call tell the same."""
    counts: Counter[str] = Counter()
    for row in call.rows:
        counts |= Counter(row.tokens)
    return dict(counts)


def _link(told: Told, key: str) -> SessionEvent:
    """A session known from before, whose task is news."""
    owner = told.owner
    at = told.call.first.at
    return SessionEvent(session_key=key, at=at, task_id=owner.task_id, **owner.facts)


def _record(events: Sequence[tuple[Told, SessionEvent]]) -> None:
    try:
        record([event for _, event in events])
    except Invalid as fault:
        raise Misfit(events[fault.place][0], fault) from None


def _prove(homes: _Homes, batch: Sequence[Told]) -> None:
    """Each call that was not pruned must now be in its session."""
    kept = [told for told in batch if not homes.has_pruned(told)]
    wanted = {(homes.of(told)[0], told.tool_use_id) for told in kept}
    found = ToolCall.objects.filter(
        session__key__in={key for key, _ in wanted}, tool_use_id__in={id for _, id in wanted}
    ).values_list("session__key", "tool_use_id")
    if lost := wanted - set(found):
        raise Refused(f"{len(lost):,} tool calls were written, but are not found again")
