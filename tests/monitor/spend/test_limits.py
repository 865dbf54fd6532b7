from decimal import Decimal

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.limits import set_user_limits
from costs.models import SpendingLimit
from tests.monitor.cast import VERSION, text
from tests.monitor.spend.cast import html, permitted, spent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
LIMITS = "/costs/limits/"


class TestLimit:
    @pytest.fixture
    def keeper(self, client: Client) -> Client:
        return permitted(client, "change_spendinglimit", "add_spendinglimit")

    def form(self, **fields: str) -> dict[str, str]:
        blank = {"display_name": "", "daily_limit_nano": "", "monthly_limit_nano": ""}
        return blank | fields

    def test_it_is_offered_to_those_who_may(self, client: Client) -> None:
        spent()
        spent(user_id="bob")
        set_user_limits("ada", daily=5)
        changer = permitted(client, "change_spendinglimit")
        told = html(changer)
        assert f'href="{LIMITS}?range=30d&amp;of=ada"' in told
        assert "of=bob" not in told  # has none yet, which takes the permission to add one

    def test_others_are_not_offered_it_nor_let_in(self, signed_in: Client) -> None:
        spent()
        set_user_limits("ada", daily=5)
        assert LIMITS not in html(signed_in)
        for method in (signed_in.get, signed_in.post):
            assert method(f"{LIMITS}?of=ada").status_code == 403
        assert SpendingLimit.objects.get().daily_limit_nano == 5 * 10**9

    def test_to_change_is_not_to_add(self, client: Client) -> None:
        changer = permitted(client, "change_spendinglimit")
        assert changer.post(f"{LIMITS}?of=new", self.form(daily_limit_nano="1")).status_code == 403
        assert not SpendingLimit.objects.exists()

    @pytest.mark.parametrize("query", ["", "?of=", f"?of={'x' * 65}", "?of=%00", "?of=a&range=x"])
    def test_it_says_what_is_missing(self, keeper: Client, query: str) -> None:
        assert keeper.get(f"{LIMITS}{query}").status_code == 400

    def test_the_form_shows_what_is_in_force(self, keeper: Client) -> None:
        set_user_limits("a&b", daily=Decimal("12.5"), display_name="A and B")
        told = html(keeper, f"{LIMITS}?of=a%26b")
        assert 'value="12.5"' in told
        assert 'value="A and B"' in told

    def test_it_is_saved_logged_and_shown_at_once(self, keeper: Client) -> None:
        spent(4)
        url = f"{LIMITS}?range=7d&model=opus&of=ada"
        response = keeper.post(url, self.form(daily_limit_nano="5", display_name="Ada"))
        assert response.headers["Location"] == "/costs/?range=7d&model=opus#users"
        told = text(html(keeper, response.headers["Location"].partition("#")[0]))
        assert "The limits of ada are saved." in told
        assert "Today $4.00 of $5.00 : 80.0%, near the limit" in told
        limit = SpendingLimit.objects.get()
        assert (limit.daily_limit_nano, limit.monthly_limit_nano) == (5 * 10**9, None)
        entry = LogEntry.objects.get()
        assert (entry.action_flag, entry.object_id) == (ADDITION, str(limit.pk))
        assert entry.get_edited_object() == limit

    def test_a_change_is_logged_with_what_changed(self, keeper: Client) -> None:
        set_user_limits("ada", daily=5, monthly=7)
        keeper.post(f"{LIMITS}?of=ada", self.form(daily_limit_nano="6", monthly_limit_nano="7"))
        entry = LogEntry.objects.get()
        assert entry.action_flag == CHANGE
        assert entry.get_change_message() == "Changed Daily limit."
        assert SpendingLimit.objects.get().monthly_limit_nano == 7 * 10**9

    def test_blank_is_unlimited_and_zero_allows_nothing(self, keeper: Client) -> None:
        set_user_limits("ada", daily=5, monthly=5)
        keeper.post(f"{LIMITS}?of=ada", self.form(monthly_limit_nano="0"))
        limit = SpendingLimit.objects.get()
        assert (limit.daily_limit_nano, limit.monthly_limit_nano) == (None, 0)

    @pytest.mark.parametrize("typed", ["-1", "ten", "1000001", "0.0000000001", "1e400"])
    def test_bad_input_is_said_in_place_and_kept(self, keeper: Client, typed: str) -> None:
        set_user_limits("ada", daily=5)
        data = self.form(daily_limit_nano=typed, display_name="New name")
        response = keeper.post(f"{LIMITS}?of=ada", data)
        told = response.content.decode()
        assert response.status_code == 422
        assert 'class="errorlist"' in told
        assert f'value="{typed}"' in told
        assert 'value="New name"' in told
        limit = SpendingLimit.objects.get()
        assert (limit.daily_limit_nano, limit.display_name) == (5 * 10**9, "")
        assert not LogEntry.objects.exists()

    def test_in_a_dialog_it_says_so_there_and_tells_the_page(self, keeper: Client) -> None:
        headers = {"HX-Request": "true", "HX-Target": "detail"}
        data = self.form(daily_limit_nano="5")
        response = keeper.post(f"{LIMITS}?of=ada", data, headers=headers)
        told = response.content.decode().strip()
        assert told.startswith('<article id="detail"')
        assert "The limits of ada are saved." in told
        assert response.headers["HX-Trigger"] == "stream:news"

    def test_a_forged_one_is_refused(self, keeper: Client) -> None:
        forged = Client(enforce_csrf_checks=True)
        forged.cookies = keeper.cookies
        assert forged.post(f"{LIMITS}?of=ada", self.form(daily_limit_nano="1")).status_code == 403
        assert not SpendingLimit.objects.exists()

    def test_its_queries_are_few(
        self, keeper: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        set_user_limits("ada", daily=5)
        with django_assert_num_queries(5 + VERSION):
            html(keeper, f"{LIMITS}?of=ada")
