from datetime import datetime, timedelta, timezone

import pytest
from django.core.exceptions import FieldError
from django.db import connection
from django.db.models import Max, Min
from hypothesis import given
from hypothesis import strategies as st

from costs.models import ModelHour
from costs.totals import SUMMED_FIELDS
from records.instants import EPOCH, FOREVER, from_micros, micros
from tests.emptying import empty

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda offset: timezone(timedelta(minutes=offset)))
INSTANTS = st.datetimes(
    EPOCH.replace(tzinfo=None) + timedelta(days=1),
    FOREVER.replace(tzinfo=None) - timedelta(days=1),
    timezones=ZONES,
)
SUMS = dict.fromkeys(SUMMED_FIELDS, 0)


def keep(*instants: datetime) -> None:
    ModelHour.objects.bulk_create(
        ModelHour(model=str(place), start=instant, **SUMS) for place, instant in enumerate(instants)
    )


class TestMicros:
    @given(INSTANTS)
    def test_every_instant_comes_back_as_it_was(self, instant: datetime) -> None:
        assert from_micros(micros(instant)) == instant

    @given(INSTANTS, INSTANTS)
    def test_they_are_in_the_order_of_the_instants(self, one: datetime, other: datetime) -> None:
        assert (micros(one) < micros(other)) == (one < other)


@pytest.mark.django_db
class TestInstantField:
    @given(st.lists(INSTANTS, min_size=1, max_size=5))
    def test_what_is_kept_is_fetched_to_the_microsecond_and_in_utc(
        self, instants: list[datetime]
    ) -> None:
        empty(ModelHour)
        keep(*instants)
        fetched = ModelHour.objects.order_by("start").values_list("start", flat=True)
        assert list(fetched) == sorted(instants)
        assert {instant.utcoffset() for instant in fetched} == {timedelta()}
        ends = ModelHour.objects.aggregate(first=Min("start"), last=Max("start"))
        assert ends == {"first": min(instants), "last": max(instants)}

    @given(INSTANTS)
    def test_a_range_is_cut_to_the_microsecond(self, instant: datetime) -> None:
        empty(ModelHour)
        around = [instant + timedelta(microseconds=place) for place in (-1, 0, 1)]
        keep(*around)
        found = ModelHour.objects.filter(start__gte=instant, start__lt=around[-1])
        assert [cell.start for cell in found] == [instant]

    def test_its_parts_are_no_lookups(self) -> None:
        for lookup in ("start__year", "start__date", "start__hour"):
            with pytest.raises(FieldError, match="Unsupported lookup"):
                ModelHour.objects.filter(**{lookup: 1}).exists()

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has a type for it")
    def test_sqlite_keeps_a_number(self) -> None:
        keep(EPOCH + timedelta(days=1, microseconds=1))
        with connection.cursor() as cursor:
            cursor.execute("SELECT typeof(start), start FROM costs_modelhour")
            assert cursor.fetchall() == [("integer", 86_400_000_001)]
