"""The address of the page."""

import pytest
from django.test import Client

from monitor.tools.address import ToolsAddress
from tests.monitor.cast import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestAddress:
    @pytest.mark.parametrize(
        "asked", [{"range": "2d"}, {"sort": "p50"}, {"tool": "a\0"}, {"tool": "x" * 129}]
    )
    def test_nonsense_is_refused(self, signed_in: Client, asked: dict[str, str]) -> None:
        with pytest.raises(ValueError, match=r"There is no|not sorted"):
            ToolsAddress.parse("/tools/", asked, NOW)
        assert signed_in.get("/tools/", asked).status_code == 400

    def test_it_says_itself_again(self) -> None:
        address = ToolsAddress.parse("/tools/", {"range": "7d", "sort": "p95", "tool": "a&b"}, NOW)
        assert str(address) == "/tools/?range=7d&sort=p95&tool=a%26b"
        assert address.ranged("all") == "/tools/?range=all&sort=p95&tool=a%26b"
