"""The clock of the machine is set back by hours while the monitor works."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from costs import audit, ledger, windows
from costs.limits import check_limits
from costs.models import CostRecord, LedgerState, SpendingLimit
from costs.windows import EPOCH, FOREVER
from monitor.version import version
from sessions.events import ToolEnded, ToolStarted
from sessions.models import ToolCall
from sessions.recording import record

NOON = datetime(2026, 10, 25, 12, 20, tzinfo=UTC)
BACK = NOON - timedelta(hours=5)


def spend(number: int) -> None:
    known = {"user_id": "ann", "model": "haiku", "input_tokens": number, "output_tokens": 0}
    ledger.record_usage(**known, cost=Decimal(number), source_id=str(number))


@pytest.fixture
def set_back(transactional_db: None) -> Any:
    """Two requests and a seal at noon, and then it is seven."""
    with time_machine.travel(NOON, tick=False) as clock:
        spend(1)
        spend(2)
        ledger.seal(NOON + timedelta(hours=1))
        clock.move_to(BACK)
        yield clock


@pytest.mark.usefixtures("set_back")
class TestSetBack:
    def test_what_comes_now_is_kept_and_counted_once(self) -> None:
        spend(4)
        assert CostRecord.objects.count() == 3
        assert windows.spend(EPOCH, FOREVER).requests == 3
        hour = BACK.replace(minute=0)
        assert windows.spend(hour, hour + timedelta(hours=1)).requests == 1
        assert windows.spend(NOON, NOON + timedelta(minutes=1)).requests == 2
        assert [check.rule for check in audit.check() if check.wrong] == []

    def test_the_seal_does_not_move_back(self) -> None:
        sealed = LedgerState.objects.get().sealed_to
        assert not ledger.seal()
        spend(4)
        assert LedgerState.objects.get().sealed_to == sealed
        assert [check.rule for check in audit.check() if check.wrong] == []

    def test_pruning_takes_only_what_is_old_by_the_clock(self) -> None:
        assert list(ledger.prune(BACK - timedelta(days=1))) == []
        assert CostRecord.objects.count() == 2

    def test_pruning_again_does_not_forget_what_was_pruned(self, set_back: Any) -> None:
        """Else the records that are gone would be looked for, and not found."""
        set_back.move_to(NOON + timedelta(hours=2))
        assert sum(ledger.prune(NOON + timedelta(hours=1))) == 2
        set_back.move_to(BACK)
        assert list(ledger.prune(BACK)) == []
        known = windows.bounds(NOON, NOON + timedelta(minutes=1))
        assert known == (NOON.replace(minute=0), NOON.replace(minute=0) + timedelta(hours=1))
        assert windows.spend(*known).requests == 2
        assert [check.rule for check in audit.check() if check.wrong] == []

    def test_limits_count_the_whole_day(self) -> None:
        SpendingLimit.objects.create(user_id="ann", daily_limit_nano=3 * 10**9)
        assert not check_limits("ann").allowed

    def test_a_call_that_ends_before_it_began_is_one_call(self) -> None:
        told = {"session_key": "s", "tool_use_id": "u", "tool_name": "Read"}
        record([ToolStarted(at=NOON, **told)])
        record([ToolEnded(at=BACK, success=True, **told)])
        call = ToolCall.objects.get()
        assert call.success is True
        assert (call.duration_ms or 0) >= 0

    def test_the_streams_hear_of_each_commit(self) -> None:
        before = version()
        spend(4)
        assert version() != before
