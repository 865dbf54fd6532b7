import pytest

from tests.monitor.origin_database.origindb import OriginDb


@pytest.fixture
def origin(tmp_path):
    return OriginDb(tmp_path / "agentlab.db")
