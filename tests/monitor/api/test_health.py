from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client

from tests.monitor.api.asking import IT_IS

BROKEN = OperationalError("no such file: /srv/secret/monitor.db")


@pytest.mark.usefixtures("clock")
class TestHealth:
    @pytest.mark.django_db
    def test_anybody_may_ask_and_is_told_little(self, client: Client) -> None:
        response = client.get("/health")
        assert response.status_code == 200
        assert response.json() == {
            "status": "healthy",
            "service": "agent-monitor",
            "version": "0.1.0",
            "timestamp": IT_IS,
        }
        assert "no-store" in response["Cache-Control"]

    def test_it_is_unhealthy_where_the_database_does_not_answer(self, client: Client) -> None:
        with patch("django.db.models.sql.compiler.SQLCompiler.execute_sql", side_effect=BROKEN):
            response = client.get("/health")
        assert response.status_code == 503
        assert response.json() == {
            "status": "unhealthy",
            "service": "agent-monitor",
            "version": "0.1.0",
            "timestamp": IT_IS,
            "error": "The database does not answer.",
        }

    def test_nothing_can_be_sent_to_it(self, client: Client) -> None:
        assert client.post("/health").status_code == 405
