from typing import Any

import pytest


@pytest.fixture(autouse=True)
def only_the_shipped_rows(settings: Any) -> None:
    settings.PRICES_CSV = ""
