from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tasks.models import Status, Task
from tests.monitor.cast import HTMX, PNG, task, text
from tests.monitor.task_detail.cast import html, url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestActions:
    def post(self, client: Client, action: str, **extra: Any) -> Any:
        return client.post(url(), {"action": action}, **extra)

    def test_without_the_permission_nothing_is_offered_or_done(self, signed_in: Client) -> None:
        task()
        page = html(signed_in, "?action=stop").split("<main")[1].split("</main>")[0]
        assert "action=stop" not in page
        assert "<form" not in page
        for action in ("stop", "mark_fixed", "attach"):
            assert self.post(signed_in, action).status_code == 403
        assert Task.objects.get().status == Status.RUNNING

    def test_without_a_token_nothing_is_done(self, operator: User) -> None:
        operator.is_superuser = True
        operator.save()
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(operator)
        task()
        assert self.post(strict, "stop").status_code == 403

    def test_a_step_is_asked_about_first(self, manager: Client) -> None:
        task()
        page = html(manager)
        assert 'href="/tasks/t1/?action=stop"' in page
        assert "mark_fixed" not in page
        asked = html(manager, "?action=stop")
        assert "Stop this task?" in asked
        assert 'name="csrfmiddlewaretoken"' in asked.split("<main")[1]
        assert "data-live" not in asked

    def test_stopping_names_who_did_it(self, manager: Client) -> None:
        task()
        response = self.post(manager, "stop", follow=True)
        assert response.redirect_chain == [("/tasks/t1/", 302)]
        words = text(response.content.decode())
        assert "Task t1 is stopped. Its process is not known on this host" in words
        assert "Stopped by operator" in words
        assert Task.objects.get().status == Status.STOPPED

    def test_its_process_is_asked_to_end(
        self, manager: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        task()
        asked = []
        monkeypatch.setattr(
            "tasks.actions.ask_to_end", lambda task: bool(asked.append(task.id) or 1)
        )
        response = self.post(manager, "stop", headers=HTMX)
        assert asked == ["t1"]
        assert "its process was asked to end" in text(response.content.decode())

    def test_a_process_is_left_alone_when_the_task_has_moved_on(
        self, manager: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        task(status="completed")
        asked: list[Task] = []
        monkeypatch.setattr("tasks.actions.ask_to_end", asked.append)
        response = self.post(manager, "stop")
        assert response.status_code == 409
        assert asked == []
        assert "Task t1 is completed; only one that is pending or running" in unescape(
            response.content.decode()
        )

    def test_marking_fixed_completes_a_failure(self, manager: Client) -> None:
        task(status="failed", error="boom")
        assert "?action=mark_fixed" in html(manager)
        words = text(self.post(manager, "mark_fixed", follow=True).content.decode())
        assert "is marked fixed" in words
        assert "Marked fixed by operator" in words
        assert Task.objects.get().status == Status.COMPLETED

    def test_htmx_gets_the_fresh_detail(self, manager: Client) -> None:
        task()
        response = self.post(manager, "stop", headers=HTMX)
        fragment = response.content.decode().strip()
        assert response.status_code == 200
        assert fragment.startswith('<article id="detail"')
        assert "Stopped" in fragment
        assert "csrfmiddlewaretoken" not in fragment

    def test_an_unknown_action_is_refused(self, manager: Client) -> None:
        task()
        response = self.post(manager, "delete")
        assert response.status_code == 400
        assert "There is no such action." in response.content.decode()

    def test_a_file_is_attached(self, manager: Client) -> None:
        found = task()
        assert "A screenshot or a document" in html(manager, "?action=attach")
        file = SimpleUploadedFile("shot.png", PNG)
        response = manager.post(url(), {"action": "attach", "file": file}, follow=True)
        assert "shot.png is attached." in response.content.decode()
        assert found.attachments.get().kind == "screenshot"

    @pytest.mark.parametrize(
        ("file", "words"),
        [
            (SimpleUploadedFile("run.exe", b"MZ\0"), "run.exe: only pictures"),
            (SimpleUploadedFile("x.svg", b"<svg onload=alert(1)>"), "x.svg: only pictures"),
            ("", "Choose a file to attach."),
        ],
    )
    def test_a_file_that_cannot_be_shown_is_refused(
        self, manager: Client, file: Any, words: str
    ) -> None:
        found = task()
        response = manager.post(url(), {"action": "attach", "file": file})
        assert response.status_code == 422
        assert words in text(response.content.decode())
        assert 'aria-invalid="true"' in response.content.decode()
        assert not found.attachments.exists()
