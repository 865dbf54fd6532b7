import pytest
from django.test import Client

FORM = {"theme": "dark", "next": "/errors/?range=7d"}


@pytest.mark.django_db
class TestTheme:
    def test_it_is_kept_for_a_year_and_leads_back(self, client: Client) -> None:
        response = client.post("/theme/", FORM)
        assert response.headers["Location"] == "/errors/?range=7d"
        cookie = response.cookies["theme"]
        assert (cookie.value, cookie["max-age"], cookie["samesite"]) == ("dark", 31536000, "Lax")

    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_every_page_is_drawn_in_it(self, signed_in: Client, theme: str) -> None:
        signed_in.post("/theme/", {"theme": theme})
        for page in ("/", "/errors/", "/docs/", "/nowhere/"):
            html = signed_in.get(page).content.decode()
            assert f'<html lang="en" data-theme="{theme}">' in html
            assert f'value="{theme}" aria-pressed="true"' in html

    def test_the_sign_in_is_drawn_in_it_too(self, client: Client) -> None:
        client.post("/theme/", FORM)
        for page in ("/login/", "/admin/login/"):
            assert 'data-theme="dark"' in client.get(page).content.decode()

    def test_the_system_s_is_the_first_and_comes_back(self, client: Client) -> None:
        assert 'value="system" aria-pressed="true"' in client.get("/login/").content.decode()
        client.post("/theme/", FORM)
        client.post("/theme/", {"theme": "system"})
        html = client.get("/login/").content.decode()
        assert '<html lang="en">' in html
        assert 'value="system" aria-pressed="true"' in html

    @pytest.mark.parametrize("foreign", ["https://evil.example/", "//evil.example", "", "/theme/"])
    def test_it_leads_to_no_other_site(self, client: Client, foreign: str) -> None:
        response = client.post("/theme/", {"theme": "dark", "next": foreign})
        assert response.headers["Location"] == "/"

    @pytest.mark.parametrize("theme", ["", "blue", "<script>"])
    def test_another_is_refused(self, client: Client, theme: str) -> None:
        response = client.post("/theme/", {"theme": theme})
        assert response.status_code == 400
        assert "take system, light or dark" in response.content.decode()
        assert "theme" not in response.cookies

    def test_a_forged_cookie_is_no_theme(self, client: Client) -> None:
        client.cookies["theme"] = 'dark" onload="alert(1)'
        assert '<html lang="en">' in client.get("/login/").content.decode()

    def test_it_takes_the_token_of_the_form(self) -> None:
        assert Client(enforce_csrf_checks=True).post("/theme/", FORM).status_code == 403

    def test_it_takes_a_post(self, client: Client) -> None:
        assert client.get("/theme/").status_code == 405

    def test_under_https_it_travels_by_https_alone(self, client: Client, settings: object) -> None:
        settings.SESSION_COOKIE_SECURE = True  # type: ignore[attr-defined]
        assert client.post("/theme/", FORM).cookies["theme"]["secure"]


@pytest.mark.django_db
class TestNavigation:
    @pytest.mark.parametrize(
        ("page", "link"),
        [
            ("/", 'data-go="d" aria-current="page"'),
            ("/errors/", 'data-go="e" aria-current="page"'),
            ("/docs/", 'data-go="o" aria-current="page"'),
            ("/docs/guide.md", 'data-go="o" aria-current="true"'),
        ],
    )
    def test_it_says_where_one_is(self, signed_in: Client, page: str, link: str) -> None:
        html = signed_in.get(page).content.decode()
        assert html.count("data-go=") == 5
        assert link in html

    def test_elsewhere_it_says_nothing(self, signed_in: Client) -> None:
        for page in ("/password/", "/nowhere/"):
            header = signed_in.get(page).content.decode().partition("</nav>")[0]
            assert "aria-current" not in header

    def test_strangers_see_none(self, client: Client) -> None:
        assert "data-go=" not in client.get("/login/").content.decode()


class TestAdministration:
    def test_its_sign_in_looks_as_ours(self, client: Client, db: None) -> None:
        html = client.get("/admin/login/?next=/admin/").content.decode()
        assert "css/tokens.css" in html
        assert 'name="next" value="/admin/"' in html

    def test_whoever_is_no_staff_is_told(self, signed_in: Client) -> None:
        assert "is for staff" in signed_in.get("/admin/login/").content.decode()

    def test_it_takes_the_theme_of_the_pages(self, admin_client: Client) -> None:
        admin_client.cookies["theme"] = "dark"
        html = admin_client.get("/admin/").content.decode()
        assert 'value="dark" aria-pressed="true"' in html
        assert "admin/js/theme.js" not in html
