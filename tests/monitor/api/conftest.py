from collections.abc import Iterator

import pytest
import time_machine

from tests.monitor.cast import NOW


@pytest.fixture
def clock() -> Iterator[None]:
    """It is NOW, and stays so."""
    with time_machine.travel(NOW, tick=False):
        yield
