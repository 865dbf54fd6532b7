import pytest
from django.db import IntegrityError, transaction

from costs import ledger
from costs.models import CostRecord
from costs.usage import Row
from records.copying import COPIED
from tests.costs.brute import at

HOSTILE = ["tab\tnew\nline\r", "back\\slash\\n\\.", "\\N", '"quo,ted"', "日本 𝒳", ""]


def rows(count, **fields):
    return [
        Row(
            timestamp=at(1, number),
            user_id="ann",
            model=HOSTILE[number % len(HOSTILE)],
            request_type="chat",
            input_tokens=number,
            output_tokens=2,
            cost_nano=number,
            source="bot",
            priced_by="given",
            **fields,
        )
        for number in range(count)
    ]


@pytest.mark.django_db
class TestInsert:
    @pytest.mark.parametrize("count", [0, 1, COPIED - 1, COPIED, COPIED * 2 + 1])
    def test_what_many_rows_hold_survives(self, count):
        ledger.book(rows(count))
        told = CostRecord.objects.order_by("timestamp").values_list(
            "timestamp", "model", "input_tokens", "source_id"
        )
        assert list(told) == [
            (at(1, number), HOSTILE[number % len(HOSTILE)], number, None) for number in range(count)
        ]

    @pytest.mark.parametrize("count", [2, COPIED])
    def test_a_row_that_breaks_a_rule_leaves_none(self, count):
        for refuse in (ledger.book, ledger.load):
            with pytest.raises(IntegrityError), transaction.atomic():
                refuse([*rows(count), *rows(1, requests=-1)])
        assert not CostRecord.objects.exists()
