import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client

from monitor.models import ApiKey
from tests.tasks.admin_pages import (
    HOSTILE,
    INLINE,
    address,
    body,
    detail,
    listed,
    staff,
    statements,
)

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)
KEYS, ADD, REVOKE = address(ApiKey), address(ApiKey, "add/"), address(ApiKey, "revoke/")
ALL = ("view", "add", "change", "delete")
FORM = {"name": "bot", "scopes": ["read"], "expires_at": ""}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon(time_machine: Any) -> None:
    time_machine.move_to(NOON, tick=False)


def made(name: str = "bot", **fields: Any) -> ApiKey:
    key = ApiKey(name=name, **({"created_at": NOON, "can_read": True} | fields))
    key.give_secret()
    key.save()
    return key


def opens(secret: str, method: str = "get") -> int:
    client = Client(headers={"authorization": f"Bearer {secret}"})
    status: int = getattr(client, method)("/api/no/such/route").status_code
    return status


def secret_on(page: str) -> str:
    (secret,) = re.findall(r'id="secret"[^>]* value="([^"]+)"', page)
    return str(secret)


def problems(client: Client, url: str, form: dict[str, Any]) -> str:
    """What the form says is wrong with it."""
    response = client.post(url, form)
    assert response.status_code == 200
    return " ".join(re.findall(r'class="errorlist"[^>]*><li>([^<]*)', response.content.decode()))


@pytest.fixture
def keeper(client: Client) -> Client:
    return staff(client, ApiKey, deeds=ALL)


class TestPermission:
    def test_every_page_needs_it(self, client: Client) -> None:
        key = made()
        pages = [KEYS, ADD, detail(key), detail(key, "delete"), f"{REVOKE}?id={key.pk}"]
        assert {client.get(page).status_code for page in pages} == {302}
        staff(client)
        assert {client.get(page).status_code for page in pages} == {403}

    def test_each_deed_its_own(self, client: Client) -> None:
        key = made()
        pages = {"view": KEYS, "add": ADD, "change": f"{REVOKE}?id={key.pk}"}
        for deed in pages:
            staff(client, ApiKey, deeds=(deed,))
            opened = {name for name, page in pages.items() if client.get(page).status_code == 200}
            assert opened >= {deed}
            assert not opened & ({"add", "change"} - {deed})

    def test_who_may_only_look_sees_no_way_to_revoke(self, client: Client) -> None:
        key = made()
        staff(client, ApiKey)
        assert "evoke" not in body(client, KEYS)
        assert "evoke" not in body(client, detail(key))
        assert client.post(f"{REVOKE}?id={key.pk}").status_code == 403
        chosen = {"action": "revoke_chosen", "_selected_action": key.pk}
        assert "revoke" not in client.post(KEYS, chosen).headers.get("Location", "")
        assert ApiKey.objects.get().revoked_at is None

    def test_every_model_has_a_page(self) -> None:
        assert {ApiKey} == set(apps.get_app_config("monitor").get_models())


class TestAdd:
    def test_the_answer_shows_a_secret_that_opens(self, keeper: Client) -> None:
        response = keeper.post(ADD, FORM | {"scopes": ["read", "write"]})
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]
        secret = secret_on(response.content.decode())
        assert (opens(secret), opens(secret, "post")) == (404, 404)

    def test_it_is_shown_this_once_and_kept_nowhere(self, keeper: Client) -> None:
        secret = secret_on(keeper.post(ADD, FORM).content.decode())
        key = ApiKey.objects.get()
        for page in (KEYS, detail(key), detail(key, "history"), "/admin/", ADD):
            assert secret not in body(keeper, page)
        session = Session.objects.get().get_decoded()
        kept = [session, list(LogEntry.objects.values()), ApiKey.objects.values().get()]
        assert secret not in str(kept)

    def test_no_other_button_leads_past_it(self, keeper: Client) -> None:
        assert "_addanother" not in body(keeper, ADD)
        assert "_continue" not in body(keeper, ADD)
        answer = keeper.post(ADD, FORM | {"_addanother": "1", "_popup": "1"}).content.decode()
        assert len(secret_on(answer)) == 43

    def test_it_has_what_was_asked_for(self, keeper: Client) -> None:
        form = {"name": " my bot ", "scopes": ["write"], "expires_at": "2026-04-01T09:30"}
        keeper.post(ADD, form)
        key = ApiKey.objects.get()
        assert (key.name, key.scopes) == ("my bot", ["write"])
        assert key.created_at == NOON
        assert key.expires_at == datetime(2026, 4, 1, 9, 30, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"name": " "}, "This field is required."),
            ({"name": "x" * 101}, "at most 100 characters"),
            ({"name": "a\x1bb"}, "all of which can be seen"),
            ({"name": "a\0b"}, "Null characters are not allowed."),
            ({"scopes": []}, "This field is required."),
            ({"scopes": ["admin"]}, "admin is not one of the available choices."),
            ({"expires_at": "soon"}, "Enter a valid date/time."),
            ({"expires_at": "2026-03-15T12:00"}, "An expiry is in the future"),
            ({"expires_at": "0001-01-01T00:00"}, "An expiry is in the future"),
            ({"expires_at": "9999-12-31T23:59"}, "not more than 100 years off"),
        ],
        ids=ascii,
    )
    def test_what_makes_no_sense_is_told_beside_the_field(
        self, keeper: Client, wrong: dict[str, Any], told: str
    ) -> None:
        assert told in problems(keeper, ADD, FORM | wrong)
        assert not ApiKey.objects.exists()

    def test_no_more_is_taken_than_is_asked(self, keeper: Client) -> None:
        more = {"prefix": "x", "digest": "x", "last_used_at": "2020-01-01", "revoked_at": "x"}
        keeper.post(ADD, FORM | more | {"can_write": "on"})
        key = ApiKey.objects.get()
        assert key.scopes == ["read"]
        assert (key.last_used_at, key.revoked_at) == (None, None)
        assert len(key.digest) == 64

    def test_it_is_in_the_history(self, keeper: Client) -> None:
        keeper.post(ADD, FORM)
        assert "Added." in body(keeper, detail(ApiKey.objects.get(), "history"))


class TestChange:
    def test_name_and_expiry_may_be_changed(self, keeper: Client) -> None:
        key = made(expires_at=NOON + timedelta(hours=1))
        keeper.post(detail(key), {"name": "other", "expires_at": "2026-03-16T00:00:01"})
        key.refresh_from_db()
        assert key.name == "other"
        assert key.expires_at == datetime(2026, 3, 16, 0, 0, 1, tzinfo=UTC)

    def test_nothing_else(self, keeper: Client) -> None:
        key = made()
        before = ApiKey.objects.values().get()
        sent = {"name": "bot", "expires_at": "", "scopes": ["write"], "can_write": "on"}
        keeper.post(detail(key), sent | {"prefix": "x", "digest": "x", "revoked_at": "2026-01-01"})
        assert ApiKey.objects.values().get() == before

    def test_an_expired_key_is_renamed_and_put_off(self, keeper: Client) -> None:
        key = made(expires_at=NOON - timedelta(seconds=90))
        shown = re.findall(r'name="expires_at" value="([^"]*)"', body(keeper, detail(key)))
        assert shown == ["2026-03-15T11:58:30"]
        keeper.post(detail(key), {"name": "other", "expires_at": shown[0]})
        assert ApiKey.objects.values_list("name", "expires_at").get() == ("other", key.expires_at)
        past = {"name": "other", "expires_at": "2026-03-15T11:59"}
        assert "in the future" in problems(keeper, detail(key), past)
        keeper.post(detail(key), {"name": "other", "expires_at": "2026-03-15T12:01"})
        assert ApiKey.objects.get().state(NOON) == "usable"

    def test_a_revocation_meanwhile_is_not_undone(
        self, keeper: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = made()

        def named_slowly(name: str) -> str:
            key.revoke(NOON)
            return name

        monkeypatch.setattr("monitor.admin.named", named_slowly)
        keeper.post(detail(key), {"name": "other", "expires_at": ""})
        assert ApiKey.objects.values_list("name", "revoked_at").get() == ("other", NOON)


class TestRevoke:
    def test_the_row_leads_to_a_question_first(self, keeper: Client) -> None:
        key = made("<bot>", last_used_at=NOON)
        (link,) = re.findall(r'<a href="([^"]*)">Revoke</a>', body(keeper, KEYS))
        assert link in body(keeper, detail(key))
        html = body(keeper, link)
        assert "&lt;bot&gt; (" in html
        assert "last used 2026-03-15 12:00:00 UTC" in html
        assert ApiKey.objects.get().revoked_at is None
        assert keeper.post(link)["Location"] == KEYS
        assert ApiKey.objects.get().revoked_at == NOON

    def test_it_stops_at_once(self, keeper: Client) -> None:
        secret = secret_on(keeper.post(ADD, FORM).content.decode())
        assert opens(secret) == 404
        keeper.post(f"{REVOKE}?id={ApiKey.objects.get().pk}")
        assert opens(secret) == 401

    def test_the_action_asks_for_all_chosen_ones(self, keeper: Client) -> None:
        chosen = [made(name).pk for name in ("a", "b", "c")][:2]
        form = {"action": "revoke_chosen", "_selected_action": chosen}
        asked = keeper.post(KEYS, form)["Location"]
        assert ApiKey.objects.filter(revoked_at=None).count() == 3
        assert "Revoked: " in keeper.post(asked, follow=True).content.decode()
        assert list(ApiKey.objects.filter(revoked_at=None).values_list("name", flat=True)) == ["c"]

    def test_it_is_in_the_history(self, keeper: Client) -> None:
        key = made()
        keeper.post(f"{REVOKE}?id={key.pk}")
        assert "Revoked." in body(keeper, detail(key, "history"))

    def test_it_takes_the_token_of_the_form(self, keeper: Client) -> None:
        key = made()
        keeper.handler.enforce_csrf_checks = True
        assert keeper.post(f"{REVOKE}?id={key.pk}").status_code == 403
        assert ApiKey.objects.get().revoked_at is None

    @pytest.mark.parametrize(
        "query", ["", "?id=", "?id=0", "?id=x", "?id=-1", "?id=²", f"?id={2**63}", "?id=1e9"]
    )
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_where_there_is_none_it_says_so(self, keeper: Client, query: str, method: str) -> None:
        made()
        response = getattr(keeper, method)(f"{REVOKE}{query}", follow=True)
        assert response.redirect_chain == [(KEYS, 302)]
        assert "No key was left to revoke." in response.content.decode()
        assert ApiKey.objects.get().revoked_at is None

    def test_what_was_revoked_before_is_left_as_it_is(self, keeper: Client) -> None:
        key = made(revoked_at=NOON - timedelta(days=1))
        assert ">Revoke</a>" not in body(keeper, KEYS) + body(keeper, detail(key))
        keeper.post(f"{REVOKE}?id={key.pk}")
        assert ApiKey.objects.get().revoked_at == key.revoked_at


class TestDelete:
    def test_a_key_in_use_stays(self, keeper: Client) -> None:
        key = made(expires_at=NOON)
        assert keeper.post(detail(key, "delete"), {"post": "yes"}).status_code == 403
        keeper.post(KEYS, {"action": "delete_selected", "_selected_action": key.pk, "post": "yes"})
        assert "deletelink" not in body(keeper, detail(key))
        assert ApiKey.objects.exists()

    def test_a_revoked_one_may_go(self, keeper: Client) -> None:
        key = made(revoked_at=NOON)
        assert "deletelink" in body(keeper, detail(key))
        keeper.post(detail(key, "delete"), {"post": "yes"})
        assert not ApiKey.objects.exists()

    def test_for_those_with_the_permission(self, client: Client) -> None:
        key = made(revoked_at=NOON)
        staff(client, ApiKey, deeds=("view", "change"))
        assert client.post(detail(key, "delete"), {"post": "yes"}).status_code == 403


class TestPages:
    def test_the_list_tells_of_each_what_matters(self, keeper: Client) -> None:
        made("old", expires_at=NOON, last_used_at=NOON - timedelta(minutes=5))
        made("new", can_write=True)
        made("gone", revoked_at=NOON)
        assert listed(keeper, KEYS, "name") == ["gone", "new", "old"]
        assert listed(keeper, KEYS, "scopes") == ["read", "read, write", "read"]
        assert listed(keeper, KEYS, "state") == ["revoked", "usable", "expired"]
        assert listed(keeper, KEYS, "column")[-3:] == [
            *["2026-03-15 12:00:00", "2026-03-15 12:00:00", "2026-03-15 11:55:00"]
        ]

    def test_a_key_is_found_by_name_and_prefix(self, keeper: Client) -> None:
        key, _ = made("my bot"), made("other")
        for query in ("bot", "BOT", key.prefix, key.prefix[:5]):
            assert listed(keeper, f"{KEYS}?q={query}", "name") == ["my bot"]
        assert listed(keeper, f"{KEYS}?q={key.digest}", "name") == []

    def pages(self, keeper: Client) -> list[str]:
        key = made(HOSTILE)
        urls = [KEYS, detail(key), detail(key, "history"), f"{REVOKE}?id={key.pk}"]
        answer = keeper.post(ADD, FORM | {"name": HOSTILE}).content.decode()
        return [*(body(keeper, url) for url in urls), answer]

    def test_hostile_names_are_only_text(self, keeper: Client) -> None:
        for html in self.pages(keeper):
            assert "&lt;script&gt;alert" in html
            assert "<script>alert" not in html

    def test_nothing_in_them_is_inline(self, keeper: Client) -> None:
        for html in (*self.pages(keeper), body(keeper, ADD)):
            assert not re.search(INLINE, html)

    def test_the_hash_is_nobodys_concern(self, keeper: Client) -> None:
        assert not [page for page in self.pages(keeper) if ApiKey.objects.first().digest in page]

    def test_a_list_takes_as_many_statements_for_many_keys_as_for_one(self, keeper: Client) -> None:
        for number in range(60):
            made(f"{number}")
            if number in (0, 59):
                assert len(statements(keeper, KEYS)) == 6
