"""Money as whole nano-dollars: exact in every sum, on every database."""

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

NANO = 10**9
MAX_COST = Decimal(1_000_000)
"""The largest cost of one record, in dollars: far above any real one, and so small that the
64-bit sum of nine thousand such rows does not overflow."""

_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)


def to_nano(amount: Decimal | int) -> int:
    """Dollars as nano-dollars, rounded half to even.

    Raises ValueError, with the cause, for what is not a finite amount from 0 to MAX_COST.
    """
    try:
        amount = Decimal(amount)
    except InvalidOperation:
        raise ValueError(f"{amount!r} is not an amount of money") from None
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount of money")
    if amount < 0:
        raise ValueError("an amount of money is not negative")
    if amount > MAX_COST:
        raise ValueError(f"an amount above {MAX_COST:,} dollars is not believed")
    return int(amount.scaleb(9, _EXACT).to_integral_value(context=_EXACT))


def from_nano(nano: int) -> Decimal:
    """Nano-dollars as exact dollars, with no more decimals than it takes."""
    return _EXACT.divide(Decimal(nano), Decimal(NANO))
