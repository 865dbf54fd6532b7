from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from tests.monitor.cast import NOW


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock
