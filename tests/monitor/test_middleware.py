import pytest
from django.contrib.auth.models import User
from django.test import Client

HTMX = {"HX-Request": "true"}
HOSTILE = ["", "#", "#stats", "stats#stats", "stats ", "STATS", "stats\x00", "%73tats", "main"]
HOSTILE += ["stats.html", "../../settings.py", "<script>", "{{ settings }}", "ünïcode", "a" * 5000]


class TestChoice:
    @pytest.mark.parametrize("target", HOSTILE)
    def test_a_target_that_is_no_part_gets_the_page(self, signed_in: Client, target: str) -> None:
        response = signed_in.get("/", headers=HTMX | {"HX-Target": target})
        assert response.status_code == 200
        assert response.content.startswith(b"<!doctype html>")
        assert "ETag" not in response.headers

    @pytest.mark.parametrize("mark", ["HX-Boosted", "HX-History-Restore-Request"])
    def test_navigation_gets_the_page(self, signed_in: Client, mark: str) -> None:
        headers = HTMX | {"HX-Target": "stats", mark: "true"}
        assert signed_in.get("/", headers=headers).content.startswith(b"<!doctype html>")

    def test_a_target_without_htmx_gets_the_page(self, signed_in: Client) -> None:
        response = signed_in.get("/", headers={"HX-Target": "stats"})
        assert response.content.startswith(b"<!doctype html>")

    def test_other_pages_have_no_such_parts(self, signed_in: Client) -> None:
        response = signed_in.get("/password/", headers=HTMX | {"HX-Target": "stats"})
        assert response.content.startswith(b"<!doctype html>")

    def test_the_administration_is_left_alone(self, admin_client: Client) -> None:
        response = admin_client.get("/admin/tasks/task/", headers=HTMX | {"HX-Target": "stats"})
        assert response.status_code == 200


@pytest.mark.django_db
class TestRedirect:
    def test_an_expired_sign_in_leads_the_whole_page_to_the_form(self, client: Client) -> None:
        headers = HTMX | {"HX-Target": "stats", "HX-Current-URL": "http://testserver/?range=7d"}
        response = client.get("/?range=7d&fragment=stats", headers=headers)
        assert response.status_code == 200
        assert response.headers["HX-Redirect"] == "/login/?next=/%3Frange%3D7d"
        assert response.content == b""

    def test_the_way_back_is_never_another_site(self, client: Client) -> None:
        headers = HTMX | {"HX-Current-URL": "http://evil.example/"}
        assert client.get("/", headers=headers).headers["HX-Redirect"] == "/login/?next=/"

    def test_other_redirects_keep_their_goal_and_their_cookies(self, operator: User) -> None:
        client = Client()
        client.force_login(operator)
        response = client.post("/logout/", headers=HTMX)
        assert response.headers["HX-Redirect"] == "/login/"
        assert response.cookies["sessionid"].value == ""


class TestHeaders:
    @pytest.mark.parametrize("url", ["/login/", "/nowhere/", "/?range=2d", "/password/"])
    def test_every_page_varies_and_is_private(self, signed_in: Client, url: str) -> None:
        response = signed_in.get(url)
        assert {"HX-Request", "HX-Target"} <= set(response.headers["Vary"].split(", "))
        assert "private" in response.headers["Cache-Control"]

    def test_every_answer_has_a_policy_without_exceptions(self, signed_in: Client) -> None:
        policy = signed_in.get("/").headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
