from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError
from django.forms.models import model_to_dict

from monitor.models import SCOPES, ApiKey

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.django_db


def made(name: str = "a program", **fields: object) -> tuple[ApiKey, str]:
    key = ApiKey(**({"name": name, "created_at": NOON, "can_read": True} | fields))
    secret = key.give_secret()
    key.save()
    return key, secret


class TestSecret:
    def test_it_opens_its_key(self) -> None:
        made("another")
        key, secret = made()
        assert ApiKey.objects.presented(secret, NOON) == key

    def test_nothing_that_is_stored_gives_it_away(self) -> None:
        _, secret = made()
        stored = ApiKey.objects.values().get()
        assert not [value for value in stored.values() if secret in str(value)]
        assert stored["prefix"] == secret[:8]
        assert len(secret) == 43

    def test_each_is_another(self) -> None:
        assert len({made()[1] for _ in range(100)}) == 100

    def test_a_new_one_ends_the_old_one(self) -> None:
        key, old = made()
        new = key.give_secret()
        key.save()
        assert ApiKey.objects.presented(old, NOON) is None
        assert ApiKey.objects.presented(new, NOON) == key

    @pytest.mark.parametrize("secret", ["", "\0", "\ud800", "ü", "x" * 1_000_000])
    def test_any_text_may_be_presented(self, secret: str) -> None:
        assert ApiKey.objects.presented(secret, NOON) is None


class TestUsable:
    def test_until_the_instant_it_expires(self) -> None:
        key, secret = made(expires_at=NOON)
        assert ApiKey.objects.presented(secret, NOON - SECOND) == key
        assert ApiKey.objects.presented(secret, NOON) is None
        assert [key.state(NOON - SECOND), key.state(NOON)] == ["usable", "expired"]

    def test_until_it_is_revoked(self) -> None:
        key, secret = made()
        key.revoke(NOON)
        assert ApiKey.objects.presented(secret, NOON) is None
        assert key.state(NOON) == "revoked"

    def test_revoked_says_more_than_expired(self) -> None:
        key, _ = made(expires_at=NOON)
        key.revoke(NOON + SECOND)
        assert key.state(NOON + SECOND) == "revoked"

    def test_the_first_revocation_counts(self) -> None:
        key, _ = made()
        same = ApiKey.objects.get()
        key.revoke(NOON)
        same.revoke(NOON + SECOND)
        assert same.revoked_at == ApiKey.objects.get().revoked_at == NOON

    def test_revoking_changes_nothing_else(self) -> None:
        key, _ = made()
        stale = ApiKey.objects.get()
        ApiKey.objects.update(name="renamed", last_used_at=NOON)
        stale.revoke(NOON)
        assert model_to_dict(ApiKey.objects.get()) == model_to_dict(key) | {
            "name": "renamed",
            "last_used_at": NOON,
            "revoked_at": NOON,
        }


class TestScopes:
    @pytest.mark.parametrize("scopes", [["read"], ["write"], ["read", "write"]])
    def test_they_are_what_was_granted(self, scopes: list[str]) -> None:
        key = ApiKey(can_read=True, can_write=True)
        key.grant(scopes)
        assert key.scopes == scopes
        assert [key.allows(scope) for scope in SCOPES] == [scope in scopes for scope in SCOPES]


class TestRules:
    @pytest.mark.parametrize(
        ("rule", "fields"),
        [
            ("monitor_apikey_has_scope", {"can_read": False}),
            ("monitor_apikey_has_name", {"name": ""}),
        ],
    )
    def test_the_database_holds_them(self, rule: str, fields: dict[str, object]) -> None:
        with pytest.raises(IntegrityError, match=rule):
            made(**fields)  # type: ignore[arg-type]

    def test_it_is_known_by_name_and_prefix(self) -> None:
        key, secret = made("bot")
        assert str(key) == f"bot ({secret[:8]}…)"
