"""The form of a spending limit."""

import re

import pytest
from django.test import Client
from model_bakery import baker

from costs.models import SpendingLimit
from tests.costs.admin.cast import LIMITS, NOON, body, listed, staff

pytestmark = pytest.mark.django_db


class TestLimits:
    def save(self, client: Client, **fields: str) -> dict[str, list[str]]:
        """The errors of the form; none when it was saved."""
        data = {"user_id": "alice", "daily_limit_nano": "", "monthly_limit_nano": ""}
        response = client.post(f"{LIMITS}add/", data | fields)
        return {} if response.status_code == 302 else response.context["adminform"].errors

    @pytest.fixture
    def editor(self, client: Client) -> Client:
        return staff(client, SpendingLimit, deeds=("view", "add", "change"))

    @pytest.mark.parametrize(
        ("typed", "nano"),
        [
            ("", None),
            ("0", 0),
            ("-0", 0),
            ("12.5", 12_500_000_000),
            ("0.000000001", 1),
            ("1000000", 10**15),
            (" 7 ", 7 * 10**9),
            ("1e3", 10**12),
            ("0e999999999", 0),
        ],
    )
    def test_dollars_are_kept_exactly(self, editor: Client, typed: str, nano: int | None) -> None:
        assert self.save(editor, daily_limit_nano=typed, monthly_limit_nano=typed) == {}
        limit = SpendingLimit.objects.get(user_id="alice")
        assert (limit.daily_limit_nano, limit.monthly_limit_nano) == (nano, nano)

    @pytest.mark.parametrize(
        ("typed", "error"),
        [
            ("-1", "A limit is not negative."),
            ("NaN", "Enter an amount in dollars, such as 12.50."),
            ("Infinity", "Enter an amount in dollars, such as 12.50."),
            ("ten", "Enter an amount in dollars, such as 12.50."),
            ("1" + "0" * 30, "A limit is at most 1,000,000 dollars; leave it blank for none."),
            ("1e999999999", "A limit is at most 1,000,000 dollars; leave it blank for none."),
            ("0.0000000001", "An amount has at most 9 decimals."),
        ],
    )
    def test_bad_amounts_are_named_at_their_field(
        self, editor: Client, typed: str, error: str
    ) -> None:
        assert self.save(editor, daily_limit_nano=typed) == {"daily_limit_nano": [error]}
        assert self.save(editor, monthly_limit_nano=typed) == {"monthly_limit_nano": [error]}
        assert not SpendingLimit.objects.exists()

    def test_a_second_limit_of_a_user_is_refused(self, editor: Client) -> None:
        assert self.save(editor) == {}
        assert list(self.save(editor)) == ["user_id"]

    def test_the_form_shows_dollars_and_what_blank_means(self, editor: Client) -> None:
        limit = baker.make(SpendingLimit, daily_limit_nano=100 * 10**9, monthly_limit_nano=1)
        html = body(editor, f"{LIMITS}{limit.pk}/change/")
        assert re.findall(r'_limit_nano" value="([^"]*)"', html) == ["100", "0.000000001"]
        assert html.count("Left blank, spending is unlimited; 0 allows nothing.") == 2

    def test_saving_without_a_change_changes_nothing(self, editor: Client) -> None:
        limit = baker.make(SpendingLimit, user_id="alice", daily_limit_nano=1, last_warning_at=NOON)
        before = SpendingLimit.objects.values().get()
        data = {"user_id": "alice", "daily_limit_nano": "1e-9", "last_warning_at": ""}
        response = editor.post(f"{LIMITS}{limit.pk}/change/", data)
        assert response.status_code == 302
        assert SpendingLimit.objects.values().get() == before
        assert "No fields changed." in body(editor, f"{LIMITS}{limit.pk}/history/")

    def test_the_list_tells_unlimited_from_nothing(self, reader: Client) -> None:
        baker.make(SpendingLimit, daily_limit_nano=None, monthly_limit_nano=0)
        assert listed(reader, LIMITS, "column") == ["unlimited", "$0.000000000", "never"]
