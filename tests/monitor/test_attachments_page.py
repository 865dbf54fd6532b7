from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from monitor.detail.attachment import LONGEST_TEXT
from tasks.models import Attachment
from tests.monitor.cast import HTMX, PNG, VERSION, task

pytestmark = pytest.mark.django_db


def shot(name: str = "shot.png") -> Attachment:
    return task().attach(name, PNG)


def paper(content: bytes = b"# Notes", name: str = "notes.md") -> Attachment:
    return task().attach(name, content)


def file_url(attachment: Attachment) -> str:
    return reverse("attachment", args=[attachment.pk])


def page_url(attachment: Attachment) -> str:
    return reverse("attachment_page", args=[attachment.pk])


class TestFile:
    def test_it_asks_for_a_sign_in(self, client: Client) -> None:
        response = client.get(file_url(shot()))
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/login/")

    def test_a_picture_comes_with_its_type(self, signed_in: Client) -> None:
        response = signed_in.get(file_url(shot()))
        assert response.content == PNG
        assert response.headers["Content-Type"] == "image/png"
        assert response.headers["Content-Disposition"] == 'inline; filename="shot.png"'

    def test_a_document_is_text_whatever_it_holds(self, signed_in: Client) -> None:
        response = signed_in.get(file_url(paper(b"<script>alert(1)</script>")))
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert response.content == b"<script>alert(1)</script>"

    @pytest.mark.parametrize("kind", [shot, paper])
    def test_a_browser_may_show_it_but_never_run_it(self, signed_in: Client, kind: object) -> None:
        headers = signed_in.get(file_url(kind())).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert headers["Cache-Control"].startswith("private")

    def test_a_hostile_name_stays_in_its_header(self, signed_in: Client) -> None:
        response = signed_in.get(file_url(shot('a"; filename="x.html')))
        assert response.headers["Content-Disposition"] == (
            r'inline; filename="a\"; filename=\"x.html"'
        )

    def test_a_file_that_is_gone_is_not_found(self, signed_in: Client) -> None:
        attachment = shot()
        Path(attachment.file.path).unlink()
        assert signed_in.get(file_url(attachment)).status_code == 404

    def test_an_unknown_one_is_not_found(self, signed_in: Client) -> None:
        assert signed_in.get("/attachments/99/").status_code == 404
        assert signed_in.get("/attachments/99/view/").status_code == 404

    def test_it_lies_outside_of_what_is_served_as_static(self) -> None:
        path = Path(shot().file.path)
        assert path.parent == settings.DATA_DIR / "attachments"
        assert not path.is_relative_to(settings.STATIC_ROOT)


class TestPage:
    def test_it_asks_for_a_sign_in(self, client: Client) -> None:
        assert client.get(page_url(shot())).status_code == 302

    def test_a_picture_is_shown_between_its_neighbours(self, signed_in: Client) -> None:
        first, second, third = shot("1.png"), shot("2.png"), shot("3.png")
        paper()
        html = signed_in.get(page_url(second)).content.decode()
        assert "Screenshot 2 of 3" in html
        assert f'<img src="{file_url(second)}" alt="2.png">' in html
        assert f'href="{page_url(first)}" id="viewer-previous"' in html
        assert f'href="{page_url(third)}" id="viewer-next"' in html
        assert 'href="/tasks/t1/" id="viewer-back"' in html

    def test_the_ends_of_the_series_lead_no_further(self, signed_in: Client) -> None:
        html = signed_in.get(page_url(shot())).content.decode()
        assert "viewer-previous" not in html
        assert "viewer-next" not in html

    def test_a_document_is_preformatted_text(self, signed_in: Client) -> None:
        html = signed_in.get(page_url(paper(b"# A\n\n<script>alert(1)</script>"))).content.decode()
        assert "# A\n\n&lt;script&gt;alert(1)&lt;/script&gt;" in html

    def test_a_very_long_document_is_cut_and_says_so(self, signed_in: Client) -> None:
        html = signed_in.get(page_url(paper(b"x" * (LONGEST_TEXT + 1234)))).content.decode()
        assert "… and 1,234 characters" in html

    def test_a_document_that_is_gone_is_said_so(self, signed_in: Client) -> None:
        attachment = paper()
        Path(attachment.file.path).unlink()
        assert b"The file is gone." in signed_in.get(page_url(attachment)).content

    def test_a_dialog_gets_the_article_alone(self, signed_in: Client) -> None:
        html = signed_in.get(page_url(shot()), headers=HTMX).content.decode().strip()
        assert html.startswith('<article id="detail"')
        assert 'hx-get="/tasks/t1/" hx-target="#detail"' in html

    @pytest.mark.parametrize("count", [1, 30])
    def test_queries_do_not_grow_with_the_series(
        self, signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
    ) -> None:
        shots = [shot(f"{n}.png") for n in range(count)]
        with django_assert_num_queries(4 + VERSION):
            signed_in.get(page_url(shots[0]))
