"""Months of UTC, and the names and bounds of their partitions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from costs.instants import floor_month
from costs.models import CostRecord

TABLE = CostRecord._meta.db_table
OTHER = f"{TABLE}_other"
"""The partition of all records outside of every month."""

NAMED = re.compile(rf"{TABLE}_(\d{{4}})_(\d\d)")


@dataclass(frozen=True, order=True, slots=True)
class Month:
    """The month that begins at `begin`, an aware UTC datetime."""

    begin: datetime

    def __str__(self) -> str:
        return f"{self.begin:%Y-%m}"

    @classmethod
    def of(cls, instant: datetime) -> Month:
        return cls(floor_month(instant.astimezone(UTC)))

    @classmethod
    def named(cls, table: str) -> Month | None:
        """The month of the partition of that name; None where it is no month's."""
        found = NAMED.fullmatch(table)
        return found and cls(datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC))

    @property
    def table(self) -> str:
        return f"{TABLE}_{self.begin:%Y_%m}"

    @property
    def end(self) -> datetime:
        """The beginning of the next one."""
        return floor_month(self.begin + timedelta(days=31))

    def plus(self, count: int) -> Month:
        """So many months later; earlier where `count` is negative."""
        year, month = divmod(self.begin.year * 12 + self.begin.month - 1 + count, 12)
        return Month(datetime(year, month + 1, 1, tzinfo=UTC))

    def __contains__(self, instant: datetime) -> bool:
        return self.begin <= instant < self.end


def ahead(now: datetime, count: int) -> list[Month]:
    """This month and the `count` after it."""
    return [Month.of(now).plus(number) for number in range(count + 1)]


def before(now: datetime, keep: int) -> datetime:
    """The instant before which records go, where `keep` whole months and this one stay."""
    return Month.of(now).plus(-keep).begin
