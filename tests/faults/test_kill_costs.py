"""kill -9 at any moment of what writes most to the ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from costs import audit, partitions, windows
from costs.ledger import record_many, seal
from costs.models import CostRecord, ImportedUsage, UsageImport
from costs.usage import Usage
from costs.windows import EPOCH, FOREVER
from tests.faults.world import World

USERS, RECORDS = 3, 40
pytestmark = pytest.mark.django_db


@pytest.fixture
def usage_json(tmp_path: Path) -> str:
    """What a bot has noted, which has forgotten more than it holds."""
    path, began = tmp_path / "bot.json", datetime(2025, 1, 1)
    users = {}
    for user in range(USERS):
        records = [
            {
                "timestamp": (began + timedelta(hours=7 * number)).isoformat(),
                "model": f"model-{number % 3}",
                "input_tokens": number,
                "output_tokens": 1,
                "cost": number / 1000,
                "request_type": "chat",
            }
            for number in range(RECORDS)
        ]
        total = sum(record["cost"] for record in records) + 5  # type: ignore[misc]
        users[str(user)] = {
            "user_id": user,
            "total_requests": RECORDS + 9,
            "total_cost": total,
            "records": records,
        }
    path.write_text(json.dumps(users))
    return str(path)


def ledger() -> Any:
    """All that the ledger holds, but for the keys that rows happen to get."""
    fields = [field.attname for field in CostRecord._meta.concrete_fields if not field.primary_key]
    assert [check.rule for check in audit.check() if check.wrong] == []
    return (
        sorted(map(str, CostRecord.objects.values_list(*fields))),
        windows.by_user(EPOCH, FOREVER),
        windows.by_model(EPOCH, FOREVER),
        sorted(ImportedUsage.objects.values_list("user_id", "requests", "cost_nano")),
    )


class TestImport:
    def test_it_is_whole_or_not_begun_and_goes_through_the_next_time(
        self, world: World, migrated: str, usage_json: str
    ) -> None:
        done = world.databases.make(migrated)
        world.do(done, "import_usage", usage_json)
        with world.within(migrated):
            nothing = ledger()
        with world.within(done):
            everything = ledger()
        assert len(everything[0]) == USERS * (RECORDS + 1)
        found = []
        for name in world.deaths(migrated, "import_usage", usage_json):
            with world.within(name):
                found.append(ledger() == nothing)
                assert found[-1] or ledger() == everything
            world.do(name, "import_usage", usage_json)
            with world.within(name):
                assert ledger() == everything
        assert any(found)

    @pytest.mark.parametrize("table", ["costs_importedusage", "costs_usageimport"])
    def test_records_and_what_is_noted_of_them_go_together(
        self, world: World, migrated: str, usage_json: str, table: str
    ) -> None:
        world.die(migrated, f'INSERT INTO "{table}"', "import_usage", usage_json)
        with world.within(migrated):
            assert ledger()[0] == []
            assert not ImportedUsage.objects.exists()
            assert not UsageImport.objects.exists()
        world.do(migrated, "import_usage", usage_json)
        with world.within(migrated):
            assert UsageImport.objects.get().records_added == USERS * RECORDS


class TestPrune:
    def book(self) -> None:
        """Records that are summed up already, and as many that are not."""
        began = datetime(2025, 1, 1, tzinfo=UTC)
        times = [began + timedelta(hours=7 * number) for number in range(RECORDS)]
        told: Any = {"user_id": "ann", "model": "m", "input_tokens": 1, "output_tokens": 1}
        record_many([Usage(**told, timestamp=at, cost=Decimal(1)) for at in times])
        seal(times[RECORDS // 2])

    def test_no_sum_changes_and_the_next_one_takes_the_rest(
        self, world: World, migrated: str
    ) -> None:
        with world.within(migrated):
            self.book()
            records, *sums = ledger()
        assert len(records) == RECORDS
        for name in world.deaths(migrated, "prune_costs", "--days", "30", "--batch", "5"):
            with world.within(name):
                assert ledger()[1:] == tuple(sums)
            world.do(name, "prune_costs", "--days", "30", "--batch", "50")
            with world.within(name):
                assert ledger() == ([], *sums)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL")
class TestPartitions:
    def test_no_sum_changes_and_the_next_one_does_the_rest(
        self, world: World, migrated: str, usage_json: str
    ) -> None:
        world.do(migrated, "import_usage", usage_json)
        with world.within(migrated):
            records, *sums = ledger()
        for name in world.deaths(migrated, "partitions", "--keep", "1"):
            with world.within(name):
                left, *now = ledger()
                assert now == sums
                assert partitions.is_partitioned() or left == records
            world.do(name, "partitions", "--keep", "1")
            with world.within(name):
                assert partitions.wanted(timezone.now(), 3) == []
                assert ledger() == ([], *sums)

    def test_months_that_are_made_later_take_their_records_or_leave_them(
        self, world: World, migrated: str, usage_json: str
    ) -> None:
        world.do(migrated, "partitions")
        world.do(migrated, "import_usage", usage_json)  # into the partition of all others
        with world.within(migrated):
            before = ledger()
            assert partitions.wanted(timezone.now(), 3)
        for name in world.deaths(migrated, "partitions"):
            with world.within(name):
                assert ledger() == before
            world.do(name, "partitions")
            with world.within(name):
                assert ledger() == before
                assert partitions.wanted(timezone.now(), 3) == []
