from datetime import UTC, datetime

import pytest

from costs import ledger
from costs.savings import Savings, saved
from costs.spending import EVERYTHING, Filter, Spending
from costs.usage import Usage
from costs.windows import EPOCH, FOREVER

MILLION, NANO = 10**6, 10**9

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def prices(settings, tmp_path):
    """In dollars per million tokens. The cheap model halves its price on the second day."""
    settings.PRICES_CSV = str(tmp_path / "prices.csv")
    (tmp_path / "prices.csv").write_text(
        "model,from,above,input,output,write_5m,write_1h,read\n"
        "cheap,,,2,9,2.5,4,0.2\n"
        "cheap,2026-03-02,,1,9,1.25,2,0.1\n"
        "cheap,,1000,20,90,25,40,2\n"
        "fine,,,0.0005,0,0.001,0.001,0\n"
    )


def cached(model="cheap", day=1, hour=12, user_id="ann", **tokens):
    ledger.record_many(
        [
            Usage(
                user_id=user_id,
                model=model,
                input_tokens=5,
                output_tokens=5,
                cost=1,
                timestamp=datetime(2026, 3, day, hour, 30, tzinfo=UTC),
                **{f"cache_{name}_tokens": count for name, count in tokens.items()},
            )
        ]
    )


def saved_in_all(only=EVERYTHING):
    return saved(Spending(EPOCH, FOREVER, only))


class TestSaved:
    def test_an_empty_ledger_saved_nothing(self):
        assert saved_in_all() == Savings(0, ())

    def test_a_read_saves_what_plain_input_costs_more(self):
        cached(read=MILLION)
        assert saved_in_all() == Savings(1_800_000_000, ())

    @pytest.mark.parametrize(("write", "lost"), [("write_5m", "0.5"), ("write_1h", "2")])
    def test_a_write_costs_more_than_plain_input(self, write, lost):
        cached(**{write: MILLION})
        assert saved_in_all().saved_nano == -int(float(lost) * NANO)

    def test_each_utc_day_has_its_price(self):
        cached(day=1, hour=23, read=MILLION)
        cached(day=2, hour=0, read=MILLION)
        assert saved_in_all().saved_nano == 1_800_000_000 + 900_000_000

    def test_a_model_and_day_is_rounded_once_and_half_to_even(self):
        for _ in range(3):
            cached("fine", read=1)  # half a nano-dollar
        assert saved_in_all().saved_nano == 2
        cached("fine", day=2, write_5m=1)
        assert saved_in_all().saved_nano == 2  # half a nano-dollar lost is 0

    def test_models_without_a_price_are_named_if_they_used_the_cache(self):
        cached("unheard-of", read=1)
        cached("unheard-of", day=2, write_1h=1)
        cached("unheard-of-too")
        cached(read=MILLION)
        assert saved_in_all() == Savings(1_800_000_000, ("unheard-of",))

    def test_it_is_the_same_sealed_and_pruned(self):
        for hour in range(24):
            cached(hour=hour, read=hour, write_5m=1)
            cached(day=2, hour=hour, read=hour)
        before = saved_in_all()
        ledger.seal(datetime(2026, 3, 2, 9, tzinfo=UTC))
        assert saved_in_all() == before
        list(ledger.prune(datetime(2026, 3, 2, 9, tzinfo=UTC)))
        assert saved_in_all() == before
        assert saved_in_all(Filter(model="cheap")) == before

    def test_it_narrows_to_a_filter(self):
        cached(read=MILLION)
        cached(user_id="bob", read=2 * MILLION)
        assert saved_in_all(Filter(user_id="ann")).saved_nano == 1_800_000_000
        assert saved_in_all(Filter(user_id="bob", model="cheap")).saved_nano == 3_600_000_000
        assert saved_in_all(Filter(source="elsewhere")) == Savings(0, ())

    def test_what_a_user_read_before_the_oldest_record_has_no_model_to_price_it(self):
        cached(read=MILLION)
        cached(day=2, read=MILLION)
        list(ledger.prune(datetime(2026, 3, 2, tzinfo=UTC)))
        assert saved_in_all(Filter(user_id="ann")) == Savings(900_000_000, ("",))

    def test_it_takes_one_statement(self, django_assert_num_queries):
        cached(read=1)
        with django_assert_num_queries(3):
            saved_in_all()
