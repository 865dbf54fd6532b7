"""The page as a whole, and its parts by themselves."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from sessions import pruning
from tests.monitor.cast import HOSTILE, ago, begun, called, tell, text
from tests.monitor.tools_page.cast import DAY, failed, html, page, part

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


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
