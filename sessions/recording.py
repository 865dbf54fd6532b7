"""The only writer of sessions, their logs, tool calls and what they add up to.

Events may come in any order and any number of times, from any number of processes: the rows and
the rollups end the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import DateTimeField, JSONField, Model
from msgspec.structs import replace

from sessions.events import InvalidEvent, SessionEvent, SessionNote, ToolStarted
from sessions.merging import hear, merge, shed
from sessions.models import Session, SessionActivity, ToolCall
from sessions.rollups import Shares
from tasks.facts import learn
from tasks.identity import check_ids, checked
from tasks.instants import instant
from tasks.models import Task
from tasks.models.activity import event_digest
from tasks.redaction import clean, clean_text

LIMITS = {"title": 1_000, "workspace": 4_000, "error": 10_000, "message": 4_000}
OBJECTS = ("parameters", "metadata")

COLUMNS = [field for field in ToolCall._meta.concrete_fields if not field.primary_key]
ADAPTED = (DateTimeField, JSONField)  # all others the database takes as they are
INSERT = (
    f"INSERT INTO {ToolCall._meta.db_table} ({', '.join(str(field.column) for field in COLUMNS)})"
    f" VALUES ({', '.join(['%s'] * len(COLUMNS))})"
)

Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch was news of; all zeros where everything in it was known.

    `calls_pruned` were told of a time from which no calls are kept: passed over, for the sums have
    them already.
    """

    sessions_added: int = 0
    calls_added: int = 0
    calls_changed: int = 0
    calls_pruned: int = 0
    notes_added: int = 0


def record(events: Sequence[SessionEvent]) -> Recorded:
    """Record many events in one transaction: all of them or, on InvalidEvent, none.

    Committed when this returns outside a transaction of the caller's. Secrets in texts
    and JSON are taken out, and sizes capped, before anything is stored.
    Raises InvalidEvent, a ValueError, naming the field and the place of what is wrong.
    """
    return write([prepare(event, place) for place, event in enumerate(events)])


def write(prepared: Sequence[SessionEvent]) -> Recorded:
    """Record what prepare() has answered, in one transaction."""
    with transaction.atomic():
        sessions, added = _locked(prepared)
        before = {key: _values(session) for key, session in sessions.items()}
        _hear(sessions, prepared)
        calls = [event for event in prepared if isinstance(event, ToolStarted)]
        recorded = _calls(sessions, calls)
        notes = _log(sessions, [event for event in prepared if isinstance(event, SessionNote)])
        for key, session in sessions.items():
            _save_changes(session, before[key])
        _tell_tasks(sessions.values())
    return Recorded(added, *recorded, notes)


def prepare(event: SessionEvent, place: int = 0) -> SessionEvent:
    """The event as it may be stored: its texts cut, its secrets taken out and its time in UTC.

    Raises InvalidEvent, naming its field, at `place`.
    """
    changes: dict[str, Any] = {
        name: clean_text(text, limit)
        for name, limit in LIMITS.items()
        if isinstance(text := getattr(event, name, None), str)
    }
    for name in OBJECTS:
        if hasattr(event, name):
            changes[name] = clean(getattr(event, name) or {})
    try:
        prepared: SessionEvent = checked(event, changes)
        check_ids(prepared, ("session_key", "parent_key", "task_id", "user_id"))
        if prepared.parent_key == prepared.session_key:
            raise InvalidEvent("parent_key", "a session is not its own parent")
        return replace(prepared, at=instant("at", prepared.at))
    except InvalidEvent as fault:
        fault.place = place
        raise


def _locked(events: Sequence[SessionEvent]) -> tuple[dict[str, Session], int]:
    """The sessions of the events and their parents by key, and how many of them were made.

    Their rows are locked in the order of their keys, after those of their tasks: two batches
    never wait for each other, nor do a batch and a prune, and what follows in this transaction
    has each session to itself. One that was pruned while this waited for its row is made anew.
    """
    first = {key: event.at for event in events for key in (event.session_key, event.parent_key)}
    first.pop("", None)
    known = dict(Session.objects.filter(key__in=first).values_list("key", "task_id"))
    _lock_tasks({*known.values(), *(event.task_id for event in events)} - {None, ""})
    missing = [
        Session(key=key, started_at=at, last_activity_at=at)
        for key, at in sorted(first.items())
        if key not in known
    ]
    Session.objects.bulk_create(missing, ignore_conflicts=True)
    rows = Session.objects.select_for_update().filter(key__in=first).order_by("key")
    sessions = {session.key: session for session in rows}
    return (sessions, len(missing)) if len(sessions) == len(first) else _locked(events)


def _lock_tasks(ids: Set[str]) -> None:
    """A prune locks a task before its sessions, so whoever writes to both must do so too."""
    if ids:
        list(Task.objects.select_for_update().filter(id__in=ids).order_by("id").only("pk"))


def _hear(sessions: Mapping[str, Session], events: Sequence[SessionEvent]) -> None:
    """Tell the sessions what is new of them; what a sub-agent does, its parent lives through."""
    for event in events:
        session = sessions[event.session_key]
        hear(session, event)
        if event.parent_key:
            parent = sessions[event.parent_key]
            hear(parent, SessionEvent(session_key=parent.key, at=event.at))
            learn(session, {"parent_id": parent.pk}, event.at)


def _calls(sessions: Mapping[str, Session], events: Sequence[ToolStarted]) -> tuple[int, int, int]:
    """Merge the events into their calls; answers how many are new, have changed, were pruned."""
    by_call: dict[Key, list[ToolStarted]] = defaultdict(list)
    for event in events:
        by_call[sessions[event.session_key].pk, event.tool_use_id].append(event)
    owners = {session.pk: session for session in sessions.values()}
    known, shares, changed = _known(by_call), Shares(), 0
    for key in filter(known.__contains__, by_call):
        changed += _changed(known[key], by_call[key], owners[key[0]], shares)
    made = [_made(key, told, owners[key[0]]) for key, told in by_call.items() if key not in known]
    new = [call for call in made if not owners[call.session_id].has_pruned_call(call.started_at)]
    for call in new:
        shares.added(call)
    _insert(new)
    shares.book()
    for session in sessions.values():
        session.calls += shares.of_session[session.pk]["calls"]
        session.failures += shares.of_session[session.pk]["failures"]
    return len(new), changed, len(made) - len(new)


def _insert(calls: Iterable[ToolCall]) -> None:
    """Past the ORM, which takes several times as long to put the same rows together."""
    rows = [_stored(call) for call in calls]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(INSERT, rows)


def _stored(call: ToolCall) -> list[Any]:
    values = vars(call)
    return [
        field.get_db_prep_save(values[field.attname], connection)
        if isinstance(field, ADAPTED)
        else values[field.attname]
        for field in COLUMNS
    ]


def _known(by_call: Mapping[Key, object]) -> dict[Key, ToolCall]:
    sessions, ids = {session for session, _ in by_call}, {id for _, id in by_call}
    rows = ToolCall.objects.filter(session_id__in=sessions, tool_use_id__in=ids)
    return {(row.session_id, row.tool_use_id): row for row in rows}


def _made(key: Key, events: Sequence[ToolStarted], session: Session) -> ToolCall:
    call = ToolCall(session_id=key[0], tool_use_id=key[1], parameters={})
    _merge(call, events, session)
    return call


def _merge(call: ToolCall, events: Iterable[ToolStarted], session: Session) -> None:
    for event in events:
        merge(call, event)
    shed(call, session)


def _changed(
    call: ToolCall, events: Iterable[ToolStarted], session: Session, shares: Shares
) -> bool:
    before, old = _values(call), ToolCall(**_values(call))
    _merge(call, events, session)
    if changed := _save_changes(call, before):
        shares.changed(old, call)
    return changed


def _log(sessions: Mapping[str, Session], notes: Sequence[SessionNote]) -> int:
    """Write the notes that are new, of equal ones the first and no pruned one; answers how many."""
    lines: dict[Key, SessionActivity] = {}
    for note in notes:
        line = _line(sessions[note.session_key], note)
        if line.session.has_pruned_body(line.time):
            continue
        lines.setdefault((line.session_id, line.event_id), line)
    owners, ids = {owner for owner, _ in lines}, {id for _, id in lines}
    known = SessionActivity.objects.filter(session_id__in=owners, event_id__in=ids)
    new = lines.keys() - set(known.values_list("session_id", "event_id"))
    SessionActivity.objects.bulk_create([line for key, line in lines.items() if key in new])
    return len(new)


def _line(session: Session, note: SessionNote) -> SessionActivity:
    return SessionActivity(
        session=session,
        time=note.at,
        event=note.event,
        message=note.message,
        metadata=note.metadata or {},
        event_id=note.event_id or event_digest(note.at, note.event, note.message),
    )


def _values(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def _save_changes(row: Model, before: Mapping[str, Any]) -> bool:
    """Save the fields that differ from `before`; answers whether there were any."""
    now = _values(row)
    changed = [name for name, value in now.items() if value != before[name]]
    if changed:
        row.save(update_fields=changed)
    return bool(changed)


def _tell_tasks(sessions: Iterable[Session]) -> None:
    """What a session does is news of the task it works on."""
    news: dict[str, datetime] = {}
    for session in sessions:
        if task_id := session.task_id:
            at = session.last_activity_at
            news[task_id] = max(news.get(task_id, at), at)
    for task_id, at in sorted(news.items()):
        Task.objects.heard(task_id, at)
