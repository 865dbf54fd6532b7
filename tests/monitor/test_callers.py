from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from monitor.callers import Caller, still_allowed
from monitor.models import ApiKey

pytestmark = pytest.mark.django_db


def made_key(**facts: object) -> ApiKey:
    key = ApiKey(name="a program", created_at=timezone.now(), **({"can_read": True} | facts))
    key.give_secret()
    key.save()
    return key


class TestKeys:
    def test_a_usable_key_goes_on(self) -> None:
        caller = Caller(key_id=made_key().pk)
        assert still_allowed([caller]) == {caller}

    def test_revoked_expired_changed_and_deleted_ones_do_not(self) -> None:
        now = timezone.now()
        keys = [
            made_key(revoked_at=now),
            made_key(expires_at=now),
            made_key(can_read=False, can_write=True),
        ]
        callers = [Caller(key_id=key.pk) for key in keys] + [Caller(key_id=0)]
        assert still_allowed(callers, now) == set()

    def test_a_key_ends_at_its_time(self) -> None:
        now = timezone.now()
        caller = Caller(key_id=made_key(expires_at=now + timedelta(seconds=1)).pk)
        assert still_allowed([caller], now) == {caller}
        assert still_allowed([caller], now + timedelta(seconds=1)) == set()


class TestPeople:
    @pytest.fixture
    def caller(self, signed_in: Client, operator: User) -> Caller:
        return Caller(user_id=operator.pk, session_key=signed_in.session.session_key or "")

    def test_who_is_signed_in_goes_on(self, caller: Caller) -> None:
        assert still_allowed([caller]) == {caller}

    def test_who_signed_out_does_not(self, caller: Caller, signed_in: Client) -> None:
        signed_in.post("/logout/")
        assert still_allowed([caller]) == set()

    def test_who_was_shut_out_does_not(self, caller: Caller, operator: User) -> None:
        operator.is_active = False
        operator.save()
        assert still_allowed([caller]) == set()


class TestMany:
    def test_all_keys_are_asked_for_at_once(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        callers = [Caller(key_id=made_key().pk) for _ in range(20)]
        with django_assert_num_queries(1):
            assert still_allowed(callers) == set(callers)
