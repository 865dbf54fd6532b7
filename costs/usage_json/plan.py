"""Which records of a user are new, and what is carried forward: decided without a database.

The file is append-only and keeps the newest records only, so the lifetime count less what was
taken over before is how many are new: the last ones of the list, the rest carried forward.
"""

from __future__ import annotations

from dataclasses import dataclass

from costs.usage_json.reader import Record, UserUsage
from costs.usage_json.refusal import Refused

DRIFT = 10**6  # one part in a million


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a user was taken over: see costs.models.ImportedUsage."""

    requests: int = 0
    cost_nano: int = 0
    last_record: list[object] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Take the last `take` records; `expected_at` is the index at which the mark's must stand."""

    take: int
    missing: int
    expected_at: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is booked beside the records, and what is not; nano-dollars."""

    carried_nano: int = 0
    drift_nano: int = 0
    excess_nano: int = 0


def plan(user: UserUsage, mark: Mark, *, trust_records: bool) -> Plan:
    """How many records of `user` are new. Raises Refused where the counts contradict."""
    new = user.requests - mark.requests
    if new < 0:
        raise Refused(
            f"user {user.user_id!r}: {mark.requests} requests were already taken over, the file"
            f" counts {user.requests}: an older copy; or another bot's file: name it by --source"
        )
    if user.kept > user.requests and not trust_records:
        raise Refused(
            f"user {user.user_id!r}: {user.kept} records exceed total_requests {user.requests};"
            " --accept-contradictions trusts the records"
        )
    first_time = not mark.requests and mark.last_record is None
    take = user.kept if user.kept > user.requests and first_time else min(new, user.kept)
    return Plan(take, missing=new - min(new, take), expected_at=user.kept - new - 1)


def settle(
    user: UserUsage, mark: Mark, plan: Plan, booked_nano: int, *, trust_records: bool
) -> Settlement:
    """What `user`'s lifetime cost still lacks after records of `booked_nano`.

    Raises Refused where the records cost more than the file says in all. The rounding of each
    record to the nano-dollar is no contradiction.
    """
    rest = user.cost_nano - mark.cost_nano - booked_nano
    drifted = abs(rest) * DRIFT < user.cost_nano or -user.requests <= rest < 0
    if drifted and (rest < 0 or not plan.missing):
        return Settlement(drift_nano=rest)
    if rest >= 0:
        return Settlement(carried_nano=rest)
    if not trust_records:
        raise Refused(
            f"user {user.user_id!r}: the records cost more than total_cost, by"
            f" {-rest} nano-dollars; --accept-contradictions trusts the records"
        )
    return Settlement(excess_nano=-rest)


def check_mark(user: UserUsage, mark: Mark, found: Record) -> None:
    """Refuse a list that holds another record where the last one taken over must stand."""
    if mark.last_record and identity(found) != mark.last_record:
        raise Refused(
            f"user {user.user_id!r}: the record of {found.written} stands where that of"
            f" {mark.last_record[0]} was: another bot's file? then name it by --source NAME"
        )


def identity(record: Record) -> list[object]:
    """A record as it is kept in a mark: with its time as written, whatever the zone it was in."""
    return [
        record.written,
        record.model,
        record.input_tokens,
        record.output_tokens,
        record.cost_nano,
        record.request_type,
    ]
