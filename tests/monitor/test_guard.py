"""Who is let into the API, seen from outside; the routes at the end play what may go wrong."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Any, NoReturn

import pytest
import uvicorn
from axes.models import AccessAttempt
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError, connection
from django.db.transaction import atomic
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from dmr.routing import Router, path
from msgspec import Struct

from monitor import guard
from monitor import urls as site
from monitor.guard import Uses
from monitor.management.commands import serve
from monitor.models import ApiKey
from records.api import Api
from tests.conftest import PASSWORD, client_with_key

PATHS = ["deed", "keys-only", "plain", "no/such/route", "", "openapi.json", "../", "%2e%2e/x", "é"]
WRITING = ["POST", "PUT", "PATCH", "DELETE", "INVENTED"]
METHODS = ["GET", "HEAD", "OPTIONS", "TRACE", *WRITING]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def refused(response: Any, status: int) -> str:
    """Why it was refused: in JSON, whatever was asked for."""
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    assert list(response.json()) == ["error"]
    return str(response.json()["error"])


def shown(secret: str) -> Client:
    client = Client()
    client.defaults["HTTP_AUTHORIZATION"] = secret
    return client


@pytest.fixture
def key(db: None) -> ApiKey:
    return ApiKey(name="a program", can_read=True, can_write=True, created_at=timezone.now())


@pytest.fixture
def secret(key: ApiKey) -> str:
    secret = key.give_secret()
    key.save()
    return secret


@pytest.fixture
def person(operator: User) -> Client:
    """Somebody signed in whose browser knows no token."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    return client


@pytest.fixture
def token(person: Client) -> dict[str, str]:
    """The header that the pages of the site send."""
    person.get("/password/")
    return {"x-csrftoken": person.cookies["csrftoken"].value}


@pytest.fixture
def permitted(operator: User) -> None:
    operator.user_permissions.add(Permission.objects.get(codename="change_task"))


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


class Broken:
    """A database that answers no statement any more."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    def __call__(self, *args: Any) -> NoReturn:
        raise self.fault


@contextmanager
def failing(wrapper: Callable[..., Any]) -> Iterator[None]:
    """What fails here leaves the transaction of the test usable."""
    with pytest.raises(OperationalError), atomic(), connection.execute_wrapper(wrapper):
        yield


LOST = [OperationalError("database is locked"), InterfaceError("connection already closed")]


class TestLostDatabase:
    def lost(self, response: Any) -> None:
        assert "busy or lost" in refused(response, 503)
        assert response["Retry-After"] == "1"

    @pytest.mark.parametrize("fault", LOST, ids=ascii)
    def test_while_a_key_is_looked_for(self, agent: Client, fault: Exception) -> None:
        with connection.execute_wrapper(Broken(fault)):
            self.lost(agent.get("/api/deed"))

    def test_while_a_person_is_looked_for(self, person: Client) -> None:
        with connection.execute_wrapper(Broken(LOST[0])):
            self.lost(person.get("/api/deed"))

    def test_while_a_permission_is_looked_for(
        self, person: Client, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(User, "has_perm", Broken(LOST[0]))
        self.lost(person.post("/api/deed", headers=token))

    @pytest.mark.parametrize("address", ["fails", "plain"])
    def test_while_a_route_is_at_work(
        self, agent: Client, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Deeds, "fault", LOST[0])
        self.lost(agent.post(f"/api/{address}"))

    def test_the_log_says_so_in_one_line(
        self, agent: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        with connection.execute_wrapper(Broken(OperationalError("gone:\nno server"))):
            agent.get("/api/deed")
        (entry,) = caplog.records
        assert (entry.levelname, entry.exc_info) == ("WARNING", None)
        assert entry.getMessage() == r"GET /api/deed: gone:\nno server"

    def test_a_page_is_not_answered_in_json(self, person: Client) -> None:
        person.raise_request_exception = False
        with connection.execute_wrapper(Broken(LOST[0])):
            assert person.get("/")["Content-Type"].startswith("text/html")


class TestFault:
    @pytest.fixture(autouse=True)
    def faulty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Deeds, "fault", RuntimeError("a secret detail"))

    @pytest.mark.parametrize("address", ["fails", "plain"])
    def test_it_is_told_without_details_and_logged_once(
        self, agent: Client, address: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        response = agent.post(f"/api/{address}")
        assert refused(response, 500) == "The server failed; its log says why."
        (entry,) = caplog.records
        assert entry.levelno == logging.ERROR
        assert entry.getMessage() == f"POST /api/{address}: a secret detail"
        assert entry.exc_info

    def test_so_it_is_while_a_key_is_looked_for(
        self, agent: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(guard, "authenticate", Broken(RuntimeError("a secret detail")))
        assert "secret" not in refused(agent.get("/api/deed"), 500)
        assert len(caplog.records) == 1

    @pytest.mark.parametrize(
        ("fault", "status"),
        [
            (Http404("a secret detail"), 404),
            (PermissionDenied("a secret detail"), 403),
            (SuspiciousOperation("a secret detail"), 400),
            (RequestDataTooBig("a secret detail"), 413),
        ],
        ids=ascii,
    )
    def test_what_the_client_did_wrong_is_no_fault_of_the_server(
        self,
        agent: Client,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        fault: Exception,
        status: int,
    ) -> None:
        monkeypatch.setattr(Deeds, "fault", fault)
        assert "secret" not in refused(agent.post("/api/plain"), status)
        assert [entry for entry in caplog.records if entry.levelno >= logging.ERROR] == []


class TestUses:
    def used(self, key: ApiKey) -> Any:
        key.refresh_from_db()
        return key.last_used_at

    @pytest.fixture(autouse=True)
    def uses(self, monkeypatch: pytest.MonkeyPatch) -> Uses:
        monkeypatch.setattr(guard, "USES", Uses())
        return guard.USES

    def test_the_last_one_is_written_down_when_it_is_time(
        self, key: ApiKey, secret: str, uses: Uses, time_machine: Any
    ) -> None:
        began = timezone.now().replace(microsecond=0)
        for second in range(3):
            time_machine.move_to(began + timedelta(seconds=second), tick=False)
            shown(f"Bearer {secret}").get("/api/deed")
        assert self.used(key) is None
        uses.write_down()
        assert self.used(key) == began + timedelta(seconds=2)

    def test_one_statement_a_key_and_none_without_news(
        self, agent: Client, reader: Client, uses: Uses, django_assert_num_queries: Any
    ) -> None:
        for client in (agent, agent, reader):
            client.get("/api/deed")
        with django_assert_num_queries(2):
            uses.write_down()
        with django_assert_num_queries(0):
            uses.write_down()

    def test_a_key_that_opened_nothing_was_not_used(
        self, key: ApiKey, secret: str, uses: Uses
    ) -> None:
        key.revoke(timezone.now())
        shown(f"Bearer {secret}").get("/api/deed")
        uses.write_down()
        assert self.used(key) is None

    def test_a_lost_database_loses_none_of_them(
        self, key: ApiKey, secret: str, agent: Client, uses: Uses
    ) -> None:
        for client in (shown(f"Bearer {secret}"), agent):
            client.get("/api/deed")
        with failing(Broken(LOST[0])):
            uses.write_down()
        uses.write_down()
        assert None not in ApiKey.objects.values_list("last_used_at", flat=True)

    def test_nor_one_that_came_meanwhile(self, key: ApiKey, secret: str, uses: Uses) -> None:
        before = timezone.now()
        later = before + timedelta(seconds=5)
        uses.note(key, before)

        def fail(*args: Any) -> NoReturn:
            uses.note(key, later)
            raise LOST[0]

        with failing(fail):
            uses.write_down()
        uses.write_down()
        assert self.used(key) == later

    def test_a_later_one_that_another_server_wrote_stays(
        self, key: ApiKey, secret: str, uses: Uses
    ) -> None:
        now = timezone.now()
        ApiKey.objects.note_use(key.pk, now)
        uses.note(key, now - timedelta(seconds=30))
        uses.write_down()
        assert self.used(key) == now

    def test_a_key_that_is_gone_is_forgotten(self, key: ApiKey, secret: str, uses: Uses) -> None:
        uses.note(key, timezone.now())
        ApiKey.objects.all().delete()
        uses.write_down()
        assert not ApiKey.objects.exists()


class TestChore:
    def test_serve_writes_the_uses_down_every_minute(
        self, key: ApiKey, secret: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        chores: list[serve.Chore] = []
        monkeypatch.setattr(serve.Server, "keep_house", lambda server, *given: chores.extend(given))
        serve.Server(uvicorn.Config("none"))
        for thread in threading.enumerate():
            if thread.name == "house":
                thread.join()
        (chore,) = (chore for chore in chores if chore.deed == "note the use of keys")
        shown(f"Bearer {secret}").get("/api/deed")
        chore.do()
        key.refresh_from_db()
        assert key.last_used_at
        assert chore.every == 60


class By(Struct):
    by: str


class Deeds(Api):
    """What may be done, by whom."""

    permission = "tasks.change_task"
    fault: Exception = NotImplementedError()

    def get(self) -> By:
        request: Any = self.request
        return By(request.api_key.name if request.api_key else request.user.username)

    def post(self) -> By:
        return self.get()


class KeysOnly(Api):
    """What nobody but a program does."""

    def get(self) -> By:
        return By("")

    def post(self) -> By:
        return By("")


class Fails(Api):
    """What goes wrong."""

    def post(self) -> By:
        raise Deeds.fault


@login_not_required
def plain(request: HttpRequest) -> HttpResponse:
    if not isinstance(Deeds.fault, NotImplementedError):
        raise Deeds.fault
    return HttpResponse(status=HTTPStatus.OK)


router = Router(
    "api/",
    [
        path("deed", Deeds.as_view()),
        path("keys-only", KeysOnly.as_view()),
        path("fails", Fails.as_view()),
    ],
)
urlpatterns = [path("api/plain", plain), router.to_urlpatterns(), *site.urlpatterns]
