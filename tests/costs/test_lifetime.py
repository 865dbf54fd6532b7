from datetime import timedelta

import pytest
from django.utils import timezone

from costs import ledger
from costs.lifetime import Session, by_model, last_sessions
from costs.usage import Usage
from tests.costs.brute import at


def book(*hours, **fields):
    given = {"user_id": "ann", "model": "haiku", "input_tokens": 1, "output_tokens": 2, "cost": 1}
    ledger.record_many([Usage(timestamp=at(hour), **given | fields) for hour in hours])


@pytest.mark.django_db
class TestByModel:
    def requests(self, *users):
        return {
            user: {model: totals.requests for model, totals in models.items()}
            for user, models in by_model(users).items()
        }

    def test_it_outlives_the_records_and_knows_the_newest(self):
        book(1, 2, 24 * 9)
        book(3, model="opus")
        book(4, user_id="bob")
        expected = {"ann": {"haiku": 3, "opus": 1}, "bob": {"haiku": 1}}
        assert self.requests("ann", "bob", "nobody") == expected
        ledger.seal(at(24 * 8.5))
        assert self.requests("ann", "bob") == expected
        list(ledger.prune(at(3)))
        assert self.requests("ann", "bob") == expected
        book(1.5)
        assert self.requests("ann") == {"ann": {"haiku": 4, "opus": 1}}

    def test_of_nobody_it_asks_nothing(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert by_model([]) == {}

    def test_it_asks_as_much_for_many_as_for_one(self, django_assert_num_queries):
        for count in (1, 50):
            with django_assert_num_queries(3):
                by_model([f"u{number}" for number in range(count)])


@pytest.mark.django_db
class TestLastSessions:
    def test_it_is_that_of_the_newest_record_and_of_the_user_alone(self):
        book(1, 5, session_key="old")
        book(2, 2.5, 6, session_key="new")
        book(2.25, user_id="bob", session_key="new")
        book(7, user_id="eve", session_key="new")
        book(8, user_id="eve")
        assert last_sessions(["ann", "bob", "eve", "nobody"]) == {
            "ann": Session(3 * 10**9, at(2), at(6)),
            "bob": Session(10**9, at(2.25), at(2.25)),
        }

    def test_of_nobody_it_asks_nothing(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert last_sessions([]) == {}

    @pytest.mark.parametrize(("minutes", "words"), [(0, "0m"), (59, "59m"), (90, "1.5h")])
    def test_its_duration_is_told_in_words(self, minutes, words):
        now = timezone.now()
        assert Session(1, now, now + timedelta(minutes=minutes)).duration == words
