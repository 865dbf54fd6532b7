from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from costs.models import (
    ROLLUPS,
    CostRecord,
    ImportedUsage,
    LedgerState,
    ModelHour,
    SessionSpan,
    SpendingLimit,
)
from costs.totals import SUMMED_FIELDS, TOKEN_FIELDS

WHEN = datetime(2025, 10, 24, tzinfo=UTC)
RECORD = {
    "timestamp": WHEN,
    "user_id": "ann",
    "model": "haiku",
    "cost_nano": 1,
    "source": "api",
    "source_id": "1",
}


def refused(table, /, **fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        table.objects.create(**fields)


@pytest.mark.django_db
class TestCostRecord:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *((field, -1) for field in (*TOKEN_FIELDS, "cost_nano", "requests")),
            *((field, 10**12 + 1) for field in (*TOKEN_FIELDS, "requests")),
            ("cost_nano", 10**15 + 1),
            ("user_id", ""),
            ("timestamp", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ],
    )
    def test_the_database_refuses_what_no_request_can_be(self, field, value):
        refused(CostRecord, **RECORD | {field: value})

    def test_a_key_stands_once_in_its_source(self):
        CostRecord.objects.create(**RECORD)
        refused(CostRecord, **RECORD)
        CostRecord.objects.create(**RECORD | {"source": "bot"})
        for _ in range(2):
            CostRecord.objects.create(**RECORD | {"source_id": None})


@pytest.mark.django_db
class TestRollups:
    @pytest.mark.parametrize("rollup", ROLLUPS)
    def test_a_cell_stands_once(self, rollup):
        cell = dict.fromkeys(rollup.keys, "x") | {"start": WHEN} | dict.fromkeys(SUMMED_FIELDS, 1)
        rollup.objects.create(**cell)
        refused(rollup, **cell)

    def test_a_session_has_one_span(self):
        span = {"session_key": "s", "first_hour": WHEN, "last_hour": WHEN, "cost_nano": 1}
        SessionSpan.objects.create(**span)
        refused(SessionSpan, **span)

    def test_a_cell_of_no_model_stands_once_too(self):
        cell = {"model": "", "start": WHEN} | dict.fromkeys(SUMMED_FIELDS, 1)
        ModelHour.objects.create(**cell)
        refused(ModelHour, **cell)


@pytest.mark.django_db
class TestLedgerState:
    def test_there_is_one_row(self):
        refused(LedgerState, id=2)

    def test_nothing_is_pruned_that_is_not_sealed(self):
        refused(LedgerState, sealed_to=WHEN, pruned_before=WHEN.replace(day=25))


@pytest.mark.django_db
class TestSpendingLimit:
    @pytest.mark.parametrize("field", ["daily_limit_nano", "monthly_limit_nano"])
    @pytest.mark.parametrize("value", [-1, 10**15 + 1])
    def test_a_limit_is_an_amount_or_nothing(self, field, value):
        refused(SpendingLimit, user_id="ann", **{field: value})

    def test_a_user_has_a_name_and_one_row(self):
        refused(SpendingLimit, user_id="")
        SpendingLimit.objects.create(user_id="ann")
        refused(SpendingLimit, user_id="ann")


@pytest.mark.django_db
class TestImportedUsage:
    def test_a_user_is_marked_once_a_source(self):
        mark = {"source": "usage.json", "user_id": "ann", "requests": 1, "cost_nano": 1}
        ImportedUsage.objects.create(**mark)
        refused(ImportedUsage, **mark)

    @pytest.mark.parametrize("field", ["requests", "cost_nano"])
    def test_counts_are_not_negative(self, field):
        mark = {"source": "a", "user_id": "ann", "requests": 1, "cost_nano": 1}
        refused(ImportedUsage, **mark | {field: -1})
