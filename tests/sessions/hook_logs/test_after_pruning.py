"""Hook logs that are read again after their calls were pruned."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from sessions.hook_logs import import_logs
from sessions.hook_logs.folder_import import PRUNED
from sessions.models import HookLog, Session, ToolCall
from sessions.pruning import prune_bodies, prune_calls
from tests.sessions.brute import stored
from tests.sessions.hook_logs.writing import BASE, POST, PRE, Logs, at, post, pre

YEAR = timedelta(days=365)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def a_year_later() -> Any:
    with time_machine.travel(BASE + YEAR, tick=False):
        yield


@pytest.fixture
def pruned(logs: Logs) -> Any:
    """Of two whole calls and a start without an end nothing is left but what was counted."""
    logs.session("s", [pre(0), pre(10, "Read"), pre(20)], [post(1), post(11, "Read")])
    import_logs(logs.root)
    assert sum(prune_calls(at(3600))) == 3
    return stored()


def test_the_same_logs_add_nothing(logs: Logs, pruned: Any) -> None:
    assert import_logs(logs.root).counts.added == 0
    assert stored() == pruned


def test_nor_do_they_when_it_is_forgotten_how_far_they_were_read(logs: Logs, pruned: Any) -> None:
    HookLog.objects.all().delete()
    report = import_logs(logs.root)
    assert report.notes[PRUNED] == 3
    assert stored() == pruned


def test_what_they_grew_by_is_added_once(logs: Logs, pruned: Any) -> None:
    logs.append("s", PRE, pre(7200))
    logs.append("s", POST, post(7201))
    for _ in range(2):
        import_logs(logs.root)
        assert ToolCall.objects.get().duration_ms == 1_000
        assert Session.objects.get().calls == 4


def test_an_old_end_of_a_pruned_start_is_passed_over(logs: Logs, pruned: Any) -> None:
    logs.append("s", POST, post(21))
    report = import_logs(logs.root)
    assert report.notes[PRUNED] == 1
    assert stored()[2] == pruned[2]
    assert Session.objects.get().calls == 3


def test_a_summary_is_not_compared_with_what_is_left(logs: Logs, pruned: Any) -> None:
    (logs.root / "s" / "summary.json").write_text(json.dumps({"total_tools_used": 3}))
    logs.append("s", POST, post(7201))
    assert import_logs(logs.root).hints == []


def test_a_start_whose_parameters_are_pruned_still_finds_its_end(logs: Logs) -> None:
    given = {"command": "make"}
    logs.session("s", [pre(0, parameters=given)], [])
    import_logs(logs.root)
    assert sum(prune_bodies(at(3600))) == 1
    logs.append("s", POST, post(5, parameters=given))
    import_logs(logs.root)
    call = ToolCall.objects.get()
    assert (call.duration_ms, call.is_bare) == (5_000, True)
