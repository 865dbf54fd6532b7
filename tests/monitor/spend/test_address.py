import pytest
from django.http import QueryDict
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from monitor.spend.address import MODEL, USER, SpendAddress
from tests.monitor.cast import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestAddress:
    def test_it_shows_thirty_days_of_everything_unless_told(self) -> None:
        address = SpendAddress.parse({}, NOW)
        assert str(address) == "/costs/?range=30d"
        assert not address.is_filtered

    def test_it_says_itself_again(self) -> None:
        query = "range=7d&user=a+b&model=%28none%29&type=chat&source=api"
        asked = {"range": "7d", "user": "a b", "model": "(none)", "type": "chat", "source": "api"}
        assert str(SpendAddress.parse(asked, NOW)) == f"/costs/?{query}"

    @pytest.mark.parametrize("name", ["user", "model", "type", "source"])
    def test_every_filter_is_taken_off_by_its_chip(self, name: str) -> None:
        (chip,) = SpendAddress.parse({name: "x"}, NOW).chips
        assert (chip.name, chip.text, chip.url) == (name, "x", "/costs/?range=30d")

    def test_an_empty_field_asks_for_nothing(self) -> None:
        asked = {"user": "", "model": "", "type": "", "source": ""}
        assert not SpendAddress.parse(asked, NOW).is_filtered

    @pytest.mark.parametrize(
        "asked",
        [
            {"range": "2d"},
            {"user": "x" * 65},
            {"model": "x" * 101},
            {"type": "\0"},
            {"source": "\0"},
        ],
    )
    def test_nonsense_is_refused_in_one_line(
        self, signed_in: Client, asked: dict[str, str]
    ) -> None:
        for url in ["/costs/", "/costs/records.csv"]:
            response = signed_in.get(url, asked)
            assert response.status_code == 400
            assert "There is no" in response.content.decode()

    @given(st.text(max_size=64).filter(lambda text: "\0" not in text and text.isprintable()))
    def test_any_name_comes_back(self, name: str) -> None:
        address = SpendAddress.parse({}, NOW).with_only(USER, name or None)
        again = SpendAddress.parse(QueryDict(address.query[1:]), NOW)
        assert again == address

    def test_a_model_without_a_name_is_not_every_model(self) -> None:
        address = SpendAddress.parse({}, NOW).with_only(MODEL, "")
        assert SpendAddress.parse({"model": "(none)"}, NOW) == address
        assert address.only.model == ""
