import itertools
import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from monitor.tools.address import SORTS, ToolsAddress
from monitor.tools.drawing import BARS, HEIGHT, LEAST, chart, slots
from monitor.tools.figures import Change, ToolName, worst
from monitor.tools.page import ToolsPage
from sessions import file_statistics, pruning
from sessions.durations import bucket
from sessions.recording import record
from sessions.statistics import Point, Tool
from tests.monitor.cast import HOSTILE, NOW, VERSION, ago, begun, called, tell, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = 24 * 60


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def failed(n: int, at: float = 5, **fields: Any) -> None:
    tell([called(n, at, **{"success": False, "error": "Boom"} | fields)])


def page(query: str = "", reader: Any = None) -> ToolsPage:
    asked = dict(part.split("=") for part in query.split("&") if part)
    return ToolsPage(ToolsAddress.parse("/tools/", asked, NOW), reader or User(), NOW)


def html(client: Client, query: str = "", **headers: str) -> str:
    response = client.get(f"/tools/{query}", headers=headers)
    assert response.status_code == 200
    return str(response.content.decode())


def part(client: Client, name: str, query: str = "") -> str:
    return text(html(client, query, **{"HX-Request": "true", "HX-Target": name}))


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


class TestDrawing:
    def test_the_highest_bar_is_as_high_as_the_chart_and_the_least_is_seen(self) -> None:
        drawn = chart([Point(1_000, 500), Point(0, 0), Point(1, 1)])
        assert [bar.height for bar in drawn.bars] == [HEIGHT, 0, 1]
        assert [bar.bad_height for bar in drawn.bars] == [HEIGHT // 2, 0, 1]

    @given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=40))
    def test_no_bar_leaves_the_chart_and_no_failures_their_calls(
        self, points: list[tuple[int, int]]
    ) -> None:
        drawn = chart([Point(max(pair), min(pair)) for pair in points])
        for bar in drawn.bars:
            assert 0 <= bar.bad_height <= bar.height <= HEIGHT
            assert bar.y + bar.height == bar.bad_y + bar.bad_height == HEIGHT
            assert bar.x + bar.width <= drawn.width

    @given(st.dictionaries(st.integers(0, 10**12).map(bucket), st.integers(1, 99), max_size=60))
    def test_slots_hold_every_call_in_few_bars_without_a_gap(self, durations: Any) -> None:
        found = slots(durations)
        assert sum(slot.calls for slot in found) == sum(durations.values())
        assert not found or LEAST <= len(found) <= BARS
        assert all(one.high == next_.low for one, next_ in itertools.pairwise(found))

    @pytest.mark.parametrize("ms", [0, 1, 9, 250, 5_000, 10**9])
    def test_one_duration_stands_among_empty_slots_as_wide_as_its_own(self, ms: int) -> None:
        found = slots({bucket(ms): 3})
        assert len(found) == LEAST
        assert [slot.calls for slot in found if slot.calls] == [3]

    def test_a_call_stands_in_the_slot_of_its_duration(self) -> None:
        slot = next(slot for slot in slots({bucket(5_000): 3, bucket(10): 1}) if slot.calls == 3)
        assert slot.low <= 5_000 <= slot.high


class TestNames:
    @pytest.mark.parametrize(
        ("full", "server", "short"),
        [
            ("Bash", "", "Bash"),
            ("mcp__files__read_all", "files", "read_all"),
            ("mcp__a__b__c", "a", "b__c"),
            ("mcp__alone", "", "mcp__alone"),
            ("mcp__", "", "mcp__"),
        ],
    )
    def test_a_tool_of_a_server_is_told_apart(self, full: str, server: str, short: str) -> None:
        assert (ToolName(full).server, ToolName(full).short) == (server, short)


class TestWorst:
    def test_it_fails_most_often_of_those_called_often(self) -> None:
        rows = (Tool("a", 100, 5, 1, 1), Tool("b", 2, 2, 1, 1), Tool("c", 50, 5, 1, 1))
        assert worst(rows) == {"c"}

    def test_nobody_is_where_nothing_failed(self) -> None:
        assert worst((Tool("a", 100, 0, 1, 1),)) == worst(()) == frozenset()


class TestRows:
    def test_they_tell_calls_failures_and_durations(self) -> None:
        tell([called(n, 10 * n, duration_ms=100 * n) for n in range(1, 20)])
        failed(50, 3)
        (row,) = page().rows
        assert (row.tool.calls, row.tool.failures, row.is_worst) == (20, 1, True)
        assert (row.p50, row.p95) == (timedelta(seconds=1), timedelta(milliseconds=1900))

    def test_the_change_is_against_the_range_before(self) -> None:
        tell([called(n, 5) for n in range(3)] + [called(n, DAY + 5) for n in range(10, 12)])
        tell([called(90, 5, tool_name="Read")])
        changes = {row.tool.name: row.change for row in page().rows}
        assert changes == {"Bash": Change(3, 2), "Read": Change(1, 0)}
        assert page("range=all").rows[0].change is None

    @pytest.mark.parametrize(
        ("label", "count", "words"),
        [
            ("24h", 25, "2026-03-29 12:00"),
            ("7d", 8, "2026-03-29"),
            ("30d", 31, "2026-03-29"),
            ("all", 3, "2026-03"),
        ],
    )
    def test_the_trend_has_a_point_for_each_hour_day_or_month(
        self, label: str, count: int, words: str
    ) -> None:
        tell([called(1, 5), called(2, 60 * DAY)])
        failed(3)
        (row,) = page(f"range={label}").rows
        assert len(row.points) == count
        assert row.points[-1] == (words, Point(2, 1))
        assert f"most in the {'month' if label == 'all' else ''}".strip() in row.trend_words

    @pytest.mark.parametrize(
        ("sort", "order"),
        [
            ("calls", ["Many", "Bad", "Slow"]),
            ("failures", ["Bad", "Many", "Slow"]),
            ("rate", ["Bad", "Many", "Slow"]),
            ("p95", ["Slow", "Many", "Bad"]),
            ("name", ["Bad", "Many", "Slow"]),
        ],
    )
    def test_they_are_sorted_as_asked(self, signed_in: Client, sort: str, order: list[str]) -> None:
        tell([called(n, tool_name="Many", duration_ms=50) for n in range(5)])
        for n in range(2):
            failed(10 + n, tool_name="Bad", duration_ms=5)
        tell([called(20, tool_name="Slow", duration_ms=9_000)])
        assert [row.tool.name for row in page(f"sort={sort}").rows] == order
        shown = html(signed_in, f"?sort={sort}")
        (marked,) = re.findall(r'<th[^>]*aria-sort="(\w+)"[^>]*><a href="([^"]*)', shown)
        assert marked[0] == ("ascending" if sort == "name" else "descending")
        assert len(re.findall("<thead>.*?</thead>", shown, re.DOTALL)) >= 1
        assert all(f"sort={name}" in shown for name in SORTS if name != "calls")


class TestPage:
    def test_it_asks_for_a_sign_in(self, client: Client) -> None:
        assert client.get("/tools/").headers["Location"] == "/login/?next=/tools/"

    def test_nothing_so_far(self, signed_in: Client) -> None:
        assert "No tool was called in the last 24 hours. Look further back" in text(html(signed_in))
        assert "No tool was called so far." in text(html(signed_in, "?range=all"))
        assert "This tool was never called." in text(html(signed_in, "?range=all&tool=Bash"))
        assert "Bash was not called in the last 7 days" in text(
            html(signed_in, "?range=7d&tool=Bash")
        )

    def test_calls_that_run_are_told(self, signed_in: Client) -> None:
        tell([begun(1), begun(2), called(3)])
        assert "2 calls still run: counted as calls" in part(signed_in, "figures")
        tell([called(1)])
        assert "1 call still runs: counted as calls" in part(signed_in, "figures")
        assert "still run" not in part(signed_in, "figures", "?tool=Read")

    def test_what_was_pruned_is_counted_and_told(self, signed_in: Client) -> None:
        failed(1, 40 * DAY, session_key="old", task_id="")
        tell([called(2)])
        assert page("range=all").kept_from is None
        list(pruning.prune(ago(DAY)))
        assert page("range=all").kept_from == ago(4)
        assert page("range=24h").kept_from is None
        figures = part(signed_in, "figures", "?range=all")
        assert "2 calls of 1 tool" in figures
        assert "Older calls are pruned." in figures
        assert "No tool call failed so far." in part(signed_in, "failures", "?range=all")

    def test_each_number_leads_to_the_calls_behind_it(self, signed_in: Client) -> None:
        failed(1)
        shown = html(signed_in)
        for link in ("/tools/?range=24h&amp;tool=Bash", "/tools/?range=24h&amp;tool=Bash#failed"):
            assert f'href="{link}"' in shown
        (group,) = set(re.findall(r'href="(/errors/[^"]*group[^"]*)"', shown))
        assert "1 in this range" in signed_in.get(unescape(group)).content.decode()
        assert "/admin/" not in shown.split("<main")[1]

    @pytest.mark.parametrize("label", ["24h", "all"])
    def test_staff_is_led_to_the_raw_records(self, client: Client, label: str) -> None:
        staff = User.objects.create_user("staff", is_staff=True)
        staff.user_permissions.add(Permission.objects.get(codename="view_toolcall"))
        client.force_login(staff)
        tell([called(1), called(2, tool_name="Read"), called(3, 2 * DAY)])
        shown = html(client, f"?range={label}&tool=Bash")
        (link,) = re.findall(r'href="(/admin/agent_sessions[^"]*)"', shown)
        listed = client.get(unescape(link))
        assert listed.status_code == 200
        count = listed.content.decode().count('class="field-tool_name')
        assert count == (1 if label == "24h" else 2)

    def test_both_percentiles_say_what_they_are(self, signed_in: Client) -> None:
        tell([called(1)])
        shown = html(signed_in)
        for share in ("Half", "95 %"):
            assert f'title="{share} of the calls were done within it"' in shown

    def test_long_names_are_cut_and_told_in_full(self, signed_in: Client) -> None:
        name = f"mcp__{'s' * 50}__{'t' * 70}"
        tell([called(1, tool_name=name)])
        shown = html(signed_in)
        assert f'title="{name}"' in shown
        assert f"{'t' * 59}…" in shown

    def test_the_histogram_and_the_trend_say_in_words_what_they_show(
        self, signed_in: Client
    ) -> None:
        tell([called(n, duration_ms=1_000) for n in range(3)])
        shown = html(signed_in)
        for figure in re.findall("<svg class=.tools.*?</svg>", shown, re.DOTALL):
            names = re.findall(r'(?:title|desc) id="([^"]+)"', figure)
            assert f'role="img" aria-labelledby="{" ".join(names)}"' in figure
        assert "3 calls, 0 failed; most in the hour 2026-03-29 12:00 UTC: 3." in shown
        assert len(re.findall(r'\bid="', shown)) == len(set(re.findall(r'\bid="[^"]*"', shown)))
        assert "style=" not in shown

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_texts_are_shown_and_nothing_more(self, signed_in: Client, name: str) -> None:
        tell(
            [
                called(
                    1,
                    session_key=name,
                    task_id="",
                    tool_name=name,
                    title=name,
                    success=False,
                    error=name,
                    parameters={"file_path": name},
                )
            ]
        )
        shown = html(signed_in)
        one = signed_in.get("/tools/", {"tool": name}).content.decode()
        for answer in (shown, one):
            assert "<img src=x" not in answer
            assert "alert('1')</script>" not in answer
            assert 'href="javascript:' not in answer
            main = answer.split("<main")[1].split("</main>")[0]
            links = {unescape(link) for link in re.findall(r'href="(/[^"]*)"', main)}
            assert {signed_in.get(link).status_code for link in links} == {200}


class TestOneTool:
    def test_its_newest_failures_lead_to_their_line_in_the_session(self, signed_in: Client) -> None:
        for n in range(60):
            failed(n, 100 - n, session_key="a/b", error=f"Boom {n}")
        tell([called(99, session_key="a/b")])
        newest = page("tool=Bash").failed_calls
        assert len(newest) == 20
        assert newest[0].text == "Boom 59"
        for call in (newest[0], newest[-1]):
            answer = signed_in.get(call.url.partition("#")[0]).content.decode()
            assert f'id="{call.url.partition("#")[2]}"' in answer

    def test_a_call_on_a_later_page_is_found_there(self, signed_in: Client) -> None:
        for n in range(60):
            failed(n, 100 - n)
        tell([called(n, 2 * DAY - n, success=False, error="x") for n in range(100, 103)])
        with time_machine.travel(ago(DAY)):
            asked = ToolsAddress.parse("/tools/", {"tool": "Bash"}, ago(DAY))
            old = ToolsPage(asked, User(), ago(DAY)).failed_calls
        assert [call.text for call in old] == ["x"] * 3
        for call in old:
            address, _, anchor = call.url.partition("#")
            assert "calls=2" in address
            assert f'id="{anchor}"' in signed_in.get(address).content.decode()

    def test_it_tells_of_that_tool_alone(self, signed_in: Client) -> None:
        failed(1, error="mine")
        failed(2, tool_name="Read", error="of another")
        shown = html(signed_in, "?tool=Bash")
        assert "mine" in shown
        assert "of another" not in shown
        assert "Figures of the histogram" not in shown  # no duration is known
        assert "No duration is known." in shown

    def test_pictures_have_their_figures_beside_them(self, signed_in: Client) -> None:
        tell([called(1, duration_ms=5_000), called(2, 100, duration_ms=100)])
        shown = text(html(signed_in, "?tool=Bash"))
        assert "Figures of the trend From (UTC) Calls Failed" in shown
        assert "2026-03-29 12:00 1 0" in shown
        assert "Figures of the histogram From To Calls" in shown


class TestFiles:
    def test_the_most_touched_come_first_with_their_sessions(self, signed_in: Client) -> None:
        tell(
            [
                called(1, 9, tool_name="Read", parameters={"file_path": "/a"}, session_key="one"),
                called(2, 8, tool_name="Edit", parameters={"file_path": "/a"}, session_key="two"),
                called(3, 7, tool_name="Write", parameters={"file_path": "/b"}),
                called(4, 2 * DAY, tool_name="Write", parameters={"file_path": "/old"}),
            ]
        )
        first, second = page().files.files
        assert (first.path, first.reads, first.writes, first.edits) == ("/a", 1, 0, 1)
        assert (first.sessions, first.last) == (2, ago(8))
        assert [session.key for session in first.newest] == ["two", "one"]
        assert (second.path, second.writes) == ("/b", 1)
        shown = html(signed_in)
        assert f'href="{reverse("session", args=["two"])}"' in shown

    def test_of_many_calls_the_newest_are_counted_and_it_says_so(
        self, signed_in: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file_statistics, "CALLS", 3)
        tell([called(n, 10 + n, parameters={"file_path": f"/{n}"}) for n in range(3)])
        assert page().files.since is None or page().files.since == ago(12)
        tell([called(9, 50, parameters={"file_path": "/9"})])
        files = page().files
        assert files.since == ago(12)
        assert [file.path for file in files.files] == ["/0", "/1", "/2"]
        assert "Counted over the newest" in part(signed_in, "files")

    def test_no_file_is_told(self, signed_in: Client) -> None:
        tell([called(1)])
        assert "No call named a file in the last 24 hours." in part(signed_in, "files")


class TestFragments:
    @pytest.mark.parametrize("name", ["figures", "failures", "files"])
    def test_each_part_comes_alone_and_is_not_sent_twice(
        self, signed_in: Client, clock: Any, name: str
    ) -> None:
        tell([called(1)])
        headers = {"HX-Request": "true", "HX-Target": name}
        first = signed_in.get(f"/tools/?range=24h&fragment={name}", headers=headers)
        assert first.content.decode().strip().startswith(f'<section id="{name}"')
        again = signed_in.get(
            f"/tools/?range=24h&fragment={name}",
            headers=headers | {"If-None-Match": first.headers["ETag"]},
        )
        assert (again.status_code, again.content) == (304, b"")
        clock.shift(60)
        news = signed_in.get(
            f"/tools/?range=24h&fragment={name}",
            headers=headers | {"If-None-Match": first.headers["ETag"]},
        )
        assert news.status_code == 200


def many(count: int) -> None:
    record(
        [
            called(
                n,
                n % 1_000,
                tool_name=f"Tool {n % 7}",
                session_key=f"s{n % 5}",
                success=n % 3 > 0,
                error="" if n % 3 else "x" * (n % 30),
                parameters={"file_path": f"/{n % 40}"},
            )
            for n in range(count)
        ]
    )


class TestQueries:
    @pytest.mark.parametrize("count", [10, 400])
    @pytest.mark.parametrize(
        ("query", "queries"), [("", 14), ("?range=all", 13), ("?tool=Tool+0", 11)]
    )
    def test_they_do_not_grow_with_the_calls(
        self,
        signed_in: Client,
        django_assert_num_queries: DjangoAssertNumQueries,
        count: int,
        query: str,
        queries: int,
    ) -> None:
        many(count)
        with django_assert_num_queries(queries + VERSION):
            html(signed_in, query)

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="reads SQLite's plans")
    @pytest.mark.parametrize("query", ["?range=7d", "?range=30d&tool=Tool+0"])
    def test_nothing_that_grows_is_scanned(self, signed_in: Client, query: str) -> None:
        many(400)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        with CaptureQueriesContext(connection) as captured:
            html(signed_in, query)
        with connection.cursor() as cursor:
            for sql in (query["sql"] for query in captured if "SELECT" in query["sql"]):
                plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall())
                assert not re.search("SCAN agent_sessions_toolcall(?! USING)", plan), (sql, plan)
            cursor.execute("DELETE FROM sqlite_stat1")
