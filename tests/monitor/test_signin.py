import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import PASSWORD


def sign_in(client: Client, password: str = PASSWORD, url: str = "/login/") -> int:
    return client.post(url, {"username": "operator", "password": password}).status_code


class TestSignIn:
    def test_the_form_leads_to_the_page_that_was_asked_for(
        self, client: Client, operator: User
    ) -> None:
        response = client.post(
            "/login/?next=/%3Frange%3D7d",
            {"username": "operator", "password": PASSWORD, "next": "/?range=7d"},
        )
        assert response.headers["Location"] == "/?range=7d"

    def test_it_leads_to_no_other_site(self, client: Client, operator: User) -> None:
        form = {"username": "operator", "password": PASSWORD, "next": "https://evil.example/"}
        assert client.post("/login/", form).headers["Location"] == "/"

    def test_a_wrong_password_is_told_and_nothing_else(
        self, client: Client, operator: User
    ) -> None:
        response = client.post("/login/", {"username": "operator", "password": "guess"})
        assert response.status_code == 200
        assert "Please enter a correct username and password" in response.content.decode()

    def test_five_failures_lock_out_even_the_right_password(
        self, client: Client, operator: User
    ) -> None:
        assert [sign_in(client, "guess") for _ in range(5)] == [200, 200, 200, 200, 429]
        response = client.post("/login/", {"username": "operator", "password": PASSWORD})
        assert response.status_code == 429
        assert "Too many attempts" in response.content.decode()

    def test_another_address_still_gets_in(self, client: Client, operator: User) -> None:
        for _ in range(6):
            sign_in(client, "guess")
        elsewhere = Client(REMOTE_ADDR="192.0.2.7")
        assert sign_in(elsewhere) == 302

    def test_the_administration_is_locked_as_well(self, client: Client, operator: User) -> None:
        codes = [sign_in(client, "guess", "/admin/login/") for _ in range(6)]
        assert codes[-1] == 429

    def test_whoever_is_signed_in_goes_on(self, signed_in: Client) -> None:
        assert signed_in.get("/login/").headers["Location"] == "/"


@pytest.mark.django_db
class TestGuard:
    @pytest.mark.parametrize("url", ["/", "/password/", "/?range=7d"])
    def test_no_page_without_a_sign_in(self, client: Client, url: str) -> None:
        response = client.get(url)
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/login/?next=")

    def test_the_administration_has_its_own_door(self, client: Client) -> None:
        assert client.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"

    def test_operators_see_no_way_to_the_administration(self, signed_in: Client) -> None:
        assert "/admin/" not in signed_in.get("/").content.decode()

    def test_staff_do(self, admin_client: Client) -> None:
        assert 'href="/admin/"' in admin_client.get("/").content.decode()


class TestSignOut:
    def test_it_takes_a_post(self, signed_in: Client) -> None:
        assert signed_in.get("/logout/").status_code == 405
        assert signed_in.post("/logout/").headers["Location"] == "/login/"
        assert signed_in.get("/").status_code == 302

    def test_it_takes_the_token_of_the_form(self, operator: User) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(operator)
        response = strict.post("/logout/")
        assert response.status_code == 403
        assert "The form has expired" in response.content.decode()


class TestPassword:
    NEW = "quite another pass phrase"

    def change(self, client: Client, old: str, new: str) -> str:
        form = {"old_password": old, "new_password1": new, "new_password2": new}
        return client.post("/password/", form, follow=True).content.decode()

    def test_it_is_changed_and_the_session_goes_on(self, signed_in: Client, operator: User) -> None:
        assert "Your password was changed." in self.change(signed_in, PASSWORD, self.NEW)
        operator.refresh_from_db()
        assert operator.check_password(self.NEW)

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            ("guess", NEW, "Your old password was entered incorrectly"),
            (PASSWORD, "short", "This password is too short"),
            (PASSWORD, "operator", "too similar to the username"),
        ],
    )
    def test_it_stays_where_the_form_is_wrong(
        self, signed_in: Client, operator: User, old: str, new: str, reason: str
    ) -> None:
        assert reason in self.change(signed_in, old, new)
        operator.refresh_from_db()
        assert operator.check_password(PASSWORD)


class TestProblems:
    def test_an_unknown_page_says_so(self, client: Client, db: None) -> None:
        response = client.get("/nowhere/")
        assert response.status_code == 404
        assert "There is no page at this address." in response.content.decode()

    def test_a_failure_shows_a_page_without_a_traceback(
        self, signed_in: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*args: object) -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr("monitor.views.dashboard.Dashboard", broken)
        signed_in.raise_request_exception = False
        response = signed_in.get("/")
        assert response.status_code == 500
        assert "Something went wrong here" in response.content.decode()
        assert "secret detail" not in response.content.decode()

    def test_a_forbidden_page_says_so(self, signed_in: Client) -> None:
        from django.test import RequestFactory
        from django.views.defaults import bad_request, permission_denied

        request = RequestFactory().get("/")
        assert b"You have no permission" in permission_denied(request, Exception()).content
        assert b"could not make sense" in bad_request(request, Exception()).content
