"""From checked records to the ledger: only what is new, and proven by the ledger's own sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from django.db import connection
from django.utils import timezone

from costs import ledger
from costs.models import ImportedUsage, SpendingLimit
from costs.totals import Spend, Totals
from costs.usage import Row
from costs.usage_json.plan import Mark, Plan, Settlement, check_mark, identity, plan, settle
from costs.usage_json.reader import Record, UserUsage
from costs.usage_json.refusal import Refused
from costs.usage_json.report import Report, UserLine
from costs.watermark import own_ledger
from costs.windows import EPOCH, FOREVER, by_user

FROM_FILE = "file"
CARRIED = "carried_forward"


class Booking:
    """One import into the ledger, inside the caller's transaction."""

    def __init__(self, report: Report, *, trust_records: bool) -> None:
        self.report, self.trust = report, trust_records
        self.marks: list[ImportedUsage] = []

    def book(self, users: Sequence[UserUsage], records: Iterable[Record]) -> None:
        """Book what is new; raises Refused, for the caller to roll back, what cannot be proven."""
        with connection.cursor() as cursor:
            own_ledger(cursor)
        before = by_user(EPOCH, FOREVER)
        known = {
            mark.user_id: mark for mark in ImportedUsage.objects.filter(source=self.report.source)
        }
        ledger.load(self._rows(users, iter(records), known))
        ImportedUsage.objects.bulk_create(
            self.marks,
            update_conflicts=True,
            unique_fields=["source", "user_id"],
            update_fields=["requests", "cost_nano", "last_record"],
        )
        self._take_limits([user for user in users if user.user_id not in known])
        self._prove(before, by_user(EPOCH, FOREVER))

    def _rows(
        self, users: Sequence[UserUsage], records: Iterator[Record], known: dict[str, ImportedUsage]
    ) -> Iterator[Row]:
        for user in users:
            row = known.get(user.user_id)
            mark = Mark(row.requests, row.cost_nano, row.last_record) if row else Mark()
            yield from self._user_rows(user, mark, islice(records, user.kept))
        next(records, None)  # there is none, and whoever watches learns of the end

    def _user_rows(self, user: UserUsage, mark: Mark, records: Iterator[Record]) -> Iterator[Row]:
        todo = plan(user, mark, trust_records=self.trust)
        booked, first, record = 0, None, None
        for index, record in enumerate(records):
            if index == todo.expected_at:
                check_mark(user, mark, record)
            if index >= user.kept - todo.take:
                first, booked = first or record, booked + record.cost_nano
                yield self._row(user, record)
        rest = settle(user, mark, todo, booked, trust_records=self.trust)
        if todo.missing or rest.carried_nano:
            yield self._carried(user, first or record, todo.missing, rest.carried_nano)
        self.marks.append(
            ImportedUsage(
                source=self.report.source,
                user_id=user.user_id,
                requests=user.requests,
                cost_nano=mark.cost_nano + booked + rest.carried_nano,
                last_record=identity(record) if record else mark.last_record,
            )
        )
        self.report.lines.append(_line(user, todo, rest, booked))

    def _row(self, user: UserUsage, record: Record) -> Row:
        return Row(
            timestamp=record.timestamp,
            user_id=user.user_id,
            model=record.model,
            request_type=record.request_type,
            input_tokens=record.input_tokens,
            output_tokens=record.output_tokens,
            cost_nano=record.cost_nano,
            source=self.report.source,
            priced_by=FROM_FILE,
        )

    def _carried(self, user: UserUsage, next_one: Record | None, requests: int, nano: int) -> Row:
        """The requests no longer kept, in one row just before the first that is."""
        return Row(
            timestamp=_just_before(next_one, user.last_reset_at),
            user_id=user.user_id,
            model="",
            request_type=CARRIED,
            input_tokens=0,
            output_tokens=0,
            cost_nano=nano,
            requests=requests,
            source=self.report.source,
            priced_by=FROM_FILE,
        )

    def _take_limits(self, users: Sequence[UserUsage]) -> None:
        """Limits and last warnings of users met for the first time; limits set here stay."""
        limits = {user.user_id: _limit(user) for user in users if user.has_limits}
        here = {limit.user_id: limit for limit in SpendingLimit.objects.filter(user_id__in=limits)}
        for user_id, limit in here.items():
            theirs = limits.pop(user_id)
            if (limit.daily_limit_nano, limit.monthly_limit_nano) != (
                theirs.daily_limit_nano,
                theirs.monthly_limit_nano,
            ):
                note = f"limits of user {user_id!r}: those set here are kept"
                self.report.notes[note] = 1
        SpendingLimit.objects.bulk_create(limits.values())

    def _prove(self, before: dict[str, Totals], after: dict[str, Totals]) -> None:
        """The ledger's own sums must have grown by just what was booked, for every user."""
        for line in self.report.lines:
            old, new = before.get(line.user_id, Totals()), after.get(line.user_id, Totals())
            grown = Spend(new.requests - old.requests, new.cost_nano - old.cost_nano)
            if grown != line.booked:
                raise Refused(
                    f"user {line.user_id!r}: booked {line.booked}, the ledger grew by {grown}"
                )
        self.report.before, self.report.after = _sum(before), _sum(after)
        self.report.proven = True


def _line(user: UserUsage, todo: Plan, rest: Settlement, booked: int) -> UserLine:
    return UserLine(
        user_id=user.user_id,
        read=user.kept,
        added=todo.take,
        carried_requests=todo.missing,
        cost_nano=booked,
        carried_nano=rest.carried_nano,
        drift_nano=rest.drift_nano,
        excess_nano=rest.excess_nano,
        lifetime_requests=user.requests,
        lifetime_nano=user.cost_nano,
    )


def _just_before(record: Record | None, last_reset: datetime | None) -> datetime:
    if record:
        return max(EPOCH, record.timestamp - timedelta(microseconds=1))
    return last_reset or timezone.now()


def _limit(user: UserUsage) -> SpendingLimit:
    return SpendingLimit(
        user_id=user.user_id,
        daily_limit_nano=user.daily_limit_nano,
        monthly_limit_nano=user.monthly_limit_nano,
        last_warning_at=user.last_warning_at,
    )


def _sum(totals: dict[str, Totals]) -> Spend:
    return Spend(
        sum(total.requests for total in totals.values()),
        sum(total.cost_nano for total in totals.values()),
    )
