import pytest
from django.test import Client

from tests.monitor.spend.cast import download, prune, spent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestCsv:
    def test_it_asks_for_a_sign_in(self, client: Client) -> None:
        location = client.get("/costs/records.csv").headers["Location"]
        assert location == "/login/?next=/costs/records.csv"

    def test_it_holds_what_the_page_tells_of_to_the_last_decimal(self, signed_in: Client) -> None:
        spent("0.000000001", model="=1+1")
        spent("2.5", hours=2, user_id="bob")
        spent(9, hours=24 * 31)
        first, second = download(signed_in)
        assert (first["model"], first["cost"]) == ("'=1+1", "0.000000001")
        assert second["cost"] == "2.500000000"
        (only,) = download(signed_in, "?user=bob&range=7d")
        assert only["user_id"] == "bob"

    def test_it_may_hold_those_with_tokens_of_the_cache_alone(self, signed_in: Client) -> None:
        spent(1, cache_read_tokens=1)
        spent(2)
        assert [row["cost"] for row in download(signed_in, "?cached=yes")] == ["1.000000000"]
        assert len(download(signed_in, "?cached=")) == 2

    def test_what_else_is_asked_of_the_cache_is_refused(self, signed_in: Client) -> None:
        response = signed_in.get("/costs/records.csv?cached=no")
        assert response.status_code == 400
        assert "There is no cached “no”" in response.content.decode()

    def test_it_ends_where_records_are_pruned(self, signed_in: Client) -> None:
        spent(1)
        spent(2, hours=100)
        prune(50)
        assert [row["cost"] for row in download(signed_in)] == ["1.000000000"]

    def test_it_is_sent_in_batches(
        self, signed_in: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("costs.export.BATCH", 2)
        for n in range(5):
            spent(n, hours=1 + n // 3)
        response = signed_in.get("/costs/records.csv")
        assert response.streaming
        assert response.headers["Content-Disposition"].startswith(
            'attachment; filename="costrecord-'
        )
        parts = [part.decode().count("\r\n") for part in response]
        assert parts == [1, 2, 2, 1]
