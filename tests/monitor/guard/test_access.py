"""Who is let into the API, seen from outside."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from monitor.models import ApiKey
from tests.conftest import PASSWORD, client_with_key
from tests.monitor.guard.cast import METHODS, PATHS, WRITING, refused, shown

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.monitor.guard.routes")]


class TestNobody:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("address", PATHS)
    def test_it_is_let_in_nowhere(self, client: Client, address: str, method: str) -> None:
        response = client.generic(method, f"/api/{address}")
        assert response["WWW-Authenticate"] == "Bearer"
        assert response.status_code == 401
        if method != "HEAD":
            assert "Authorization: Bearer" in refused(response, 401)

    def test_it_costs_the_database_nothing(
        self, client: Client, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(0):
            refused(client.get("/api/deed"), 401)

    @pytest.mark.parametrize(
        "address", ["/API/deed", "//api/deed", "/./api/deed", "/x/../api/deed", "/api;/deed"]
    )
    def test_no_other_spelling_leads_there(self, client: Client, address: str) -> None:
        response = client.get(address)
        assert response.status_code in (302, 404)
        assert not response.headers.get("Location", "/login/").startswith("/api")

    @pytest.mark.parametrize("address", ["/%61pi/deed", "/api%2Fdeed", "/api/%64eed", "/api/../x"])
    def test_however_it_is_encoded(self, client: Client, address: str) -> None:
        refused(client.get(address), 401)

    def test_without_its_slash_the_address_leads_to_the_one_with_it(self, client: Client) -> None:
        response = client.get("/api")
        assert (response.status_code, response["Location"]) == (301, "/api/")

    def test_pages_are_not_its_business(self, client: Client) -> None:
        assert client.get("/", headers={"authorization": "Bearer x"}).status_code == 302
        assert client.get("/apis").status_code == 404


class TestKey:
    def test_it_takes_one_query(self, secret: str, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            assert shown(f"Bearer {secret}").get("/api/deed").json() == {"by": "a program"}

    @pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER"])
    def test_its_scheme_is_known_in_any_letters(self, secret: str, word: str) -> None:
        assert shown(f"{word}  {secret} ").get("/api/deed").status_code == 200

    @pytest.mark.parametrize(
        "header",
        [
            *[
                "",
                " ",
                "Bearer",
                "Bearer ",
                "Bearer  \t",
                "Basic YTpi",
                "Digest x",
                "{}",
                "Bearer{}",
            ],
            *["Bearer {}x", "Bearer x{}", "Bearer x {}", "Basic {}", "Bearer {} {}", "Bearer {}\0"],
            *[
                "Bearer {},Bearer {}",
                "Bearer \0",
                "Bearer \xff\xfe",
                "Bearer ünïcode",
                "Bearer \ud800",
            ],
            *["Bearer ' OR 1=1 --", "Bearer %", "Bearer " + "x" * 1_000_000],
        ],
        ids=ascii,
    )
    def test_no_other_header_is_taken_for_it(self, secret: str, header: str) -> None:
        response = shown(header.replace("{}", secret)).get("/api/deed")
        refused(response, 401)
        assert secret not in response.content.decode()

    def test_nor_are_its_hash_and_prefix(self, key: ApiKey, secret: str) -> None:
        for known in (key.digest, key.prefix, secret.swapcase(), secret[:-1]):
            refused(shown(f"Bearer {known}").get("/api/deed"), 401)

    def test_it_counts_in_the_header_alone(self, client: Client, secret: str) -> None:
        for way in ("key", "token", "access_token", "authorization"):
            refused(client.get("/api/deed", {way: secret}), 401)
            refused(client.post("/api/deed", {way: f"Bearer {secret}"}), 401)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(("scope", "other"), [("read", "write"), ("write", "read")])
    def test_each_scope_opens_its_methods_only(self, method: str, scope: str, other: str) -> None:
        response = client_with_key(**{f"can_{scope}": True}).generic(method, "/api/no/route")
        is_mine = (method in ("GET", "HEAD", "OPTIONS")) is (scope == "read")
        assert response.status_code == (404 if is_mine else 403)
        if not is_mine and method != "HEAD":
            assert refused(response, 403) == f"The key lacks the scope “{other}”."

    def test_it_needs_no_token_against_forgery(self, secret: str) -> None:
        strict = Client(enforce_csrf_checks=True, headers={"authorization": f"Bearer {secret}"})
        assert strict.post("/api/deed").status_code == 201
        refused(strict.post("/api/no/route"), 404)
        assert strict.post("/api/plain").status_code == 200

    @pytest.mark.parametrize("method", [method for method in METHODS if method != "HEAD"])
    def test_it_is_told_of_routes_that_do_not_exist(self, agent: Client, method: str) -> None:
        assert "There is no such route" in refused(agent.generic(method, "/api/x"), 404)

    def test_revoked_it_stops_at_once(self, key: ApiKey, secret: str) -> None:
        client = shown(f"Bearer {secret}")
        assert client.get("/api/deed").status_code == 200
        key.revoke(timezone.now())
        assert "revoked" in refused(client.get("/api/deed"), 401)

    def test_expired_too(self, key: ApiKey, secret: str, time_machine: Any) -> None:
        key.expires_at = timezone.now() + timedelta(hours=1)
        key.save()
        client = shown(f"Bearer {secret}")
        time_machine.move_to(key.expires_at - timedelta(microseconds=1), tick=False)
        assert client.get("/api/deed").status_code == 200
        time_machine.move_to(key.expires_at, tick=False)
        assert "expired" in refused(client.get("/api/deed"), 401)

    def test_deleted_too(self, key: ApiKey, secret: str) -> None:
        key.delete()
        refused(shown(f"Bearer {secret}").get("/api/deed"), 401)

    def test_guesses_lock_nobody_out(self, client: Client, operator: User) -> None:
        for _ in range(20):
            refused(shown("Bearer guess").get("/api/deed"), 401)
        assert not AccessAttempt.objects.exists()
        form = {"username": "operator", "password": PASSWORD}
        assert client.post("/login/", form).status_code == 302

    def test_a_refusal_writes_nothing(self, person: Client, reader: Client) -> None:
        refusals = []
        with CaptureQueriesContext(connection) as made:
            for client in (Client(), shown("Bearer guess"), reader, person):
                refusals.append(client.post("/api/deed").status_code)
        assert refusals == [401, 401, 403, 403]
        assert {query["sql"].split()[0] for query in made.captured_queries} == {"SELECT"}


class TestPerson:
    def test_they_may_read_all(self, person: Client) -> None:
        assert person.get("/api/deed").json() == {"by": "operator"}
        assert person.get("/api/keys-only").status_code == 200

    def test_reading_takes_the_queries_of_a_sign_in(
        self, person: Client, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(2):
            person.get("/api/deed")

    def test_writing_takes_token_and_permission(
        self, person: Client, token: dict[str, str], permitted: None
    ) -> None:
        assert person.post("/api/deed", headers=token).status_code == 201

    @pytest.mark.parametrize("address", PATHS)
    @pytest.mark.parametrize("method", WRITING)
    def test_without_the_token_nothing_is_written(
        self, person: Client, permitted: None, method: str, address: str
    ) -> None:
        assert refused(person.generic(method, f"/api/{address}"), 403).startswith("CSRF: ")

    def test_a_token_of_another_is_none(
        self, person: Client, token: dict[str, str], permitted: None
    ) -> None:
        other = {"x-csrftoken": token["x-csrftoken"][::-1]}
        assert "CSRF" in refused(person.post("/api/deed", headers=other), 403)

    def test_another_site_has_none(
        self, person: Client, token: dict[str, str], permitted: None
    ) -> None:
        headers = token | {"origin": "https://evil.example"}
        assert "Origin checking failed" in refused(person.post("/api/deed", headers=headers), 403)

    def test_without_the_permission_nothing_is_written(
        self, person: Client, token: dict[str, str]
    ) -> None:
        assert "may not do that" in refused(person.post("/api/deed", headers=token), 403)

    @pytest.mark.parametrize("address", ["keys-only", "plain", "no/such/route"])
    def test_where_no_permission_is_named_nobody_writes(
        self, person: Client, token: dict[str, str], operator: User, address: str
    ) -> None:
        operator.is_superuser = True
        operator.save()
        assert person.post("/api/deed", headers=token).status_code == 201
        refused(person.post(f"/api/{address}", headers=token), 403)

    def test_who_may_not_sign_in_any_more_is_nobody(self, person: Client, operator: User) -> None:
        operator.is_active = False
        operator.save()
        refused(person.get("/api/deed"), 401)

    def test_signed_out_they_are_nobody(self, person: Client) -> None:
        person.logout()
        refused(person.get("/api/deed"), 401)

    def test_beside_a_key_they_do_not_count(
        self, person: Client, token: dict[str, str], permitted: None, django_assert_num_queries: Any
    ) -> None:
        reading = client_with_key(can_read=True).defaults["HTTP_AUTHORIZATION"]
        with django_assert_num_queries(1):
            by = person.get("/api/deed", headers={"authorization": reading}).json()["by"]
        assert by == "a program"
        both = token | {"authorization": reading}
        assert "scope" in refused(person.post("/api/deed", headers=both), 403)
        wrong = token | {"authorization": "Bearer guess"}
        refused(person.post("/api/deed", headers=wrong), 401)
        refused(person.get("/api/deed", headers=wrong), 401)

    def test_the_password_of_a_proxy_is_no_key(self, person: Client) -> None:
        assert person.get("/api/deed", headers={"authorization": "Basic YTpi"}).status_code == 200
