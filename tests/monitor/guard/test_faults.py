import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError, connection
from django.http import Http404
from django.test import Client

from monitor import guard
from tests.monitor.guard.cast import LOST, Broken, refused
from tests.monitor.guard.routes import Deeds

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.monitor.guard.routes")]


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
