import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from costs import ledger
from docsviewer.models import Document
from sessions.models import ImportedFile
from tasks.reporting import report
from tests.monitor.cast import HOSTILE, PNG, ago, begun, called, task, tell, text
from tests.monitor.task_detail.cast import DONE, TODO, html, rows, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestHeader:
    def test_it_asks_for_a_sign_in(self, client: Client) -> None:
        task()
        assert client.get(url()).headers["Location"] == "/login/?next=/tasks/t1/"

    def test_it_says_what_the_task_is(self, signed_in: Client) -> None:
        facts = {"user_id": "ada", "model": "opus", "agent_type": "coder", "workflow": "smart-fix"}
        task(description="Mend it\nAt once", workspace="/srv", **facts, pid=7, host="box")
        report(task_id="t1", at=ago(1), phase="tests", phase_number=2)
        page = html(signed_in)
        assert "<title>Mend it · Agent Monitor</title>" in page
        words = text(page)
        for told in ("Running", "ada", "opus", "coder", "smart-fix", "/srv", "7@box", "2: tests"):
            assert told in words
        assert "Mend it\nAt once" in page

    def test_times_are_data(self, signed_in: Client) -> None:
        task(at=5)
        task(at=2, status="completed")
        page = html(signed_in)
        assert page.count(f'datetime="{ago(5).isoformat(timespec="seconds")}"') >= 2
        assert page.count(f'datetime="{ago(2).isoformat(timespec="seconds")}"') >= 2
        assert "took 3m 00s" in page

    def test_a_failure_tells_its_error_and_category(self, signed_in: Client) -> None:
        task(status="failed", error="Permission denied:\n  /etc")
        page = html(signed_in)
        assert "Permission denied:\n  /etc" in page
        assert "<small>permission</small>" in page

    def test_a_result_is_shown(self, signed_in: Client) -> None:
        task(status="completed", result="All <b>well</b>")
        assert "All &lt;b&gt;well&lt;/b&gt;" in html(signed_in)

    @pytest.mark.parametrize("name", ["nobody", "a/b", "..", "x\0y", "ü"])
    def test_an_unknown_task_is_said_so(self, signed_in: Client, name: str) -> None:
        response = signed_in.get(reverse("task", args=[name]))
        assert response.status_code == 404
        assert b"No such task" in response.content

    @pytest.mark.parametrize("query", ["?calls=0", "?log=-1", "?calls=x", "?tool=a%00", "?log="])
    def test_nonsense_is_refused(self, signed_in: Client, query: str) -> None:
        task()
        assert signed_in.get(url(query=query)).status_code == 400

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_texts_are_shown_and_nothing_more(self, signed_in: Client, name: str) -> None:
        facts = dict.fromkeys(("description", "user_id", "model", "workspace"), name)
        task(name, status="failed", error=name, message=name, **facts)
        parameters = {"command": name, name: [name]}
        tell([called(1, task_id=name, session_key=name, tool_name=name, title=name, error=name)])
        tell([called(2, task_id=name, session_key=name, parameters=parameters, success=False)])
        page = html(signed_in, task_id=name)
        assert "<img src=x" not in page
        assert "alert('1')</script>" not in page
        assert 'href="javascript:' not in page
        assert name.strip() in unescape(page)
        article = page.split("<article")[1].split("</article>")[0]
        links = {unescape(link) for link in re.findall(r'href="(/[^"]*)"', article)}
        assert len(links) >= 3
        assert {signed_in.get(link).status_code for link in links} == {200}


class TestPlan:
    def test_the_latest_state_counts(self, signed_in: Client) -> None:
        task()
        plan = {"tool_name": "TodoWrite"}
        tell([called(1, 4, parameters={"todos": [TODO]}, **plan)])
        tell([called(2, 3, parameters={"todos": [DONE, TODO]}, **plan)])
        page = html(signed_in)
        words = text(page)
        assert "1 of 2 done, 1 in progress" in words
        assert 'aria-label="Done:">✓' in page
        assert "Writing it" in words
        assert 'aria-valuenow="1"' in page

    def test_the_plan_of_a_sub_agent_is_its_own(self, signed_in: Client) -> None:
        task()
        plan = {"tool_name": "TodoWrite"}
        tell([called(1, 4, parameters={"todos": [DONE]}, **plan)])
        inner = {"session_key": "sub", "parent_key": "s1", "task_id": ""}
        tell([called(2, 3, parameters={"todos": [TODO, TODO]}, **plan, **inner)])
        assert "1 of 1 done" in html(signed_in)

    def test_two_sessions_do_not_mix_their_steps(self, signed_in: Client) -> None:
        task()
        create = {"tool_name": "TaskCreate", "parameters": {"subject": "One"}}
        step = {"tool_name": "TaskUpdate", "parameters": {"taskId": "1", "status": "completed"}}
        tell([called(1, 9, **create), called(2, 8, **create)])
        tell([called(3, 7, session_key="s2", **create), called(4, 6, session_key="s2", **step)])
        assert "1 of 1 done" in html(signed_in)

    def test_without_a_plan_there_is_none(self, signed_in: Client) -> None:
        task()
        assert "plan-title" not in html(signed_in)


class TestTimeline:
    def test_the_newest_call_comes_first(self, signed_in: Client) -> None:
        task()
        tell([called(1, 4), called(2, 3)])
        shown = [text(row) for row in rows(html(signed_in))]
        assert "make step-2" in shown[0]
        assert "make step-1" in shown[1]

    def test_equal_calls_stay_apart(self, signed_in: Client) -> None:
        task()
        tell([called(n, 4, parameters={"command": "make"}) for n in range(3)])
        assert len(rows(html(signed_in))) == 3

    def test_each_outcome_has_its_word(self, signed_in: Client) -> None:
        task()
        tell([called(1, 4, duration_ms=4200), begun(3, 2)])
        tell([called(2, 3, success=False, error="Permission denied: <b>")])
        running, failed, ok = (text(row) for row in rows(html(signed_in)))
        assert "⟳ running" in running
        assert "✕ failed permission" in failed
        assert "Permission denied: <b>" in failed
        assert "4.2 s ✓ ok" in ok

    def test_a_call_of_a_closed_session_is_not_said_to_run(
        self, signed_in: Client, clock: Any
    ) -> None:
        task()
        tell([begun(1)])
        clock.shift(timedelta(hours=1))
        assert "– no end reported" in text(rows(html(signed_in))[0])

    def test_parameters_are_json_cut_for_display(self, signed_in: Client) -> None:
        task()
        tell(
            [called(1, parameters={"command": "x", "more": {str(n): "y" * 500 for n in range(90)}})]
        )
        page = rows(html(signed_in))[0]
        assert "&quot;command&quot;: &quot;x&quot;" in page
        assert len(page) < 40_000

    def test_sub_agents_are_in_it_and_named(self, signed_in: Client) -> None:
        task()
        inner = {"session_key": "sub", "parent_key": "s1", "task_id": "", "title": "Helper"}
        tell([called(1), called(2, 3, **inner)])
        tell([called(3, 2, session_key="deep", parent_key="sub", task_id="")])
        page = html(signed_in)
        assert len(rows(page)) == 3
        assert "by Helper" in text(rows(page)[1])

    def test_other_tasks_are_not(self, signed_in: Client) -> None:
        task()
        tell([called(1), called(2, session_key="s9", task_id="t9")])
        assert len(rows(html(signed_in))) == 1

    def test_sessions_that_claim_each_other_end(self, signed_in: Client) -> None:
        task()
        tell([called(1, parent_key="s2"), called(2, session_key="s2", parent_key="s1")])
        assert len(rows(html(signed_in))) == 2

    def test_it_is_filtered_by_tool_with_counts(self, signed_in: Client) -> None:
        task()
        tell([called(n) for n in range(3)] + [called(9, tool_name="Read")])
        assert "All tools 4 Bash 3 Read 1" in text(html(signed_in))
        page = html(signed_in, "?tool=Read")
        assert len(rows(page)) == 1
        assert "All tools 4" in text(page)

    def test_it_is_filtered_by_failure(self, signed_in: Client) -> None:
        task()
        tell([called(n, success=n > 0, error="" if n else "bad") for n in range(3)])
        page = html(signed_in, "?failed=1")
        assert len(rows(page)) == 1
        assert re.search(r'href="/tasks/t1/#timeline" id="calls-failed"[^>]*aria-current', page)

    def test_it_is_paged_and_the_links_keep_the_rest(self, signed_in: Client) -> None:
        task()
        tell([called(n, 4 - n / 100) for n in range(125)])
        page = html(signed_in, "?calls=2&tool=Bash&log=1")
        assert len(rows(page)) == 50
        assert "Page 2 of 3" in text(page)
        assert 'hx-get="/tasks/t1/?tool=Bash&amp;calls=3"' in page
        assert 'hx-get="/tasks/t1/?tool=Bash"' in page
        assert len(rows(html(signed_in, "?calls=99"))) == 25

    def test_an_unknown_tool_is_an_empty_page(self, signed_in: Client) -> None:
        task()
        tell([called(1)])
        assert "No such calls." in html(signed_in, "?tool=Nothing")


class TestAround:
    def test_sub_agents_and_delegations_are_listed(self, signed_in: Client) -> None:
        task()
        tell([called(1, session_key="sub", parent_key="s1", task_id="", title="Helper")])
        sent = {"description": "Look at it", "subagent_type": "reviewer", "prompt": "…"}
        tell([called(2, tool_name="Agent", parameters=sent)])
        page = html(signed_in)
        assert f'href="{reverse("session", args=["sub"])}"' in page
        assert "Look at it ok reviewer" in text(page)

    def test_files_are_summed_over_sessions_by_path(self, signed_in: Client) -> None:
        task()
        read = {"tool_name": "Read", "parameters": {"file_path": "/a.py"}}
        edit = {"tool_name": "Edit", "parameters": {"file_path": "/a.py"}}
        tell([called(1, **read), called(2, **edit)])
        tell([called(3, session_key="sub", parent_key="s1", task_id="", **read)])
        assert "/a.py 2 reads, 1 edit" in text(html(signed_in))

    def test_many_files_are_cut_and_counted(self, signed_in: Client) -> None:
        task()
        read = {"tool_name": "Read"}
        tell([called(n, parameters={"file_path": f"/{n}"}, **read) for n in range(103)])
        assert "and 3 more" in text(html(signed_in))

    def test_imported_files_and_documents_are_said_to_be_so(self, signed_in: Client) -> None:
        found = task()
        index = ImportedFile.objects.create(
            path="old.py", first_at=ago(9), last_at=ago(8), accesses=3
        )
        index.tasks.add(found)
        Document.objects.create(path="report.md", task=found, status="archived")
        words = text(html(signed_in))
        assert "From the imported index old.py 3 accesses" in words
        assert "report.md archived" in words

    def test_costs_are_those_of_its_sessions_by_model(self, signed_in: Client) -> None:
        task()
        tell([called(1), called(2, session_key="sub", parent_key="s1", task_id="")])
        tell([called(3, input_tokens=1500, cache_read_tokens=7)])
        for key, model in (("s1", "claude-haiku-4-5"), ("sub", "claude-sonnet-4-5"), ("x", "opus")):
            usage = {"user_id": "ada", "model": model, "output_tokens": 0, "session_key": key}
            ledger.record_usage(input_tokens=1_000_000, timestamp=ago(1), **usage)
        words = text(html(signed_in))
        assert "Cost $7.00 claude-sonnet-4-5 $6.00 1 request: 1.00M in" in words
        assert "claude-haiku-4-5 $1.00" in words
        assert "opus" not in words
        assert "Tokens of the tool calls themselves: 1.50k in, 7 cache read" in words

    def test_attachments_are_linked(self, signed_in: Client) -> None:
        found = task()
        picture, paper = found.attach("shot.png", PNG), found.attach("notes.md", b"text")
        page = html(signed_in)
        assert f'src="{reverse("attachment", args=[picture.pk])}" alt="shot.png"' in page
        assert f'href="{reverse("attachment_page", args=[paper.pk])}"' in page
