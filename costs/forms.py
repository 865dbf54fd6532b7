"""Forms about money, which the administration and the pages share."""

from __future__ import annotations

from typing import Any

from django import forms

from costs.models import SpendingLimit
from costs.money import MAX_COST, from_nano, to_nano


class DollarField(forms.DecimalField):
    """Asks for dollars, to the nano-dollar, and hands on nano-dollars."""

    def __init__(self, *, label: str) -> None:
        super().__init__(
            label=label,
            required=False,
            min_value=0,
            max_value=MAX_COST,
            decimal_places=9,
            help_text="In dollars. Left blank, spending is unlimited; 0 allows nothing.",
            error_messages={
                "invalid": "Enter an amount in dollars, such as 12.50.",
                "min_value": "A limit is not negative.",
                "max_value": f"A limit is at most {MAX_COST:,} dollars; leave it blank for none.",
                "max_decimal_places": "An amount has at most 9 decimals.",
            },
        )

    def clean(self, value: Any) -> int | None:
        amount = super().clean(value)
        return None if amount is None else to_nano(amount)

    def prepare_value(self, value: Any) -> Any:
        """A stored amount in plain digits; what was typed as it was typed."""
        return f"{from_nano(value).normalize():f}" if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(None if initial is None else from_nano(initial), data)


class SpendingLimitForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    daily_limit_nano = DollarField(label="Daily limit")
    monthly_limit_nano = DollarField(label="Monthly limit")

    class Meta:
        model = SpendingLimit
        fields = ["user_id", "display_name", "daily_limit_nano", "monthly_limit_nano"]
