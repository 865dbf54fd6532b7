"""Numbers and times as people read them; the exact value is always one hover away."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs.money import from_nano
from monitor.version import version

register = template.Library()

CENT, TINY = Decimal("0.01"), Decimal("0.0001")
UNITS = [(10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")]


def dollars(nano: int) -> str:
    """Nano-dollars in words: "$1,234.56", below a cent "$0.0064", below that "<$0.0001"."""
    amount = from_nano(nano)
    if 0 < amount < TINY:
        return f"<${TINY}"
    step = TINY if 0 < amount < CENT else CENT
    return f"${amount.quantize(step, ROUND_HALF_EVEN):,}"


def short(number: int) -> str:
    """A count with the three digits that matter: 999, 12.3k, 1.23M."""
    for size, unit in UNITS:
        scaled = number / size
        if scaled >= 0.9995:  # would round up to one of this unit
            decimals = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
            return f"{scaled:,.{decimals}f}{unit}"
    return str(number)


def _data(value: str, exact: str, text: str) -> SafeString:
    return format_html('<data value="{}" title="{}">{}</data>', value, exact, text)


@register.simple_tag
def database_version() -> str:
    """What a page knows: the stream tells it of later commits only."""
    return version()


@register.filter
def money(nano: int) -> SafeString:
    exact = f"{from_nano(nano):f}"
    return _data(exact, f"${exact}", dollars(nano))


@register.filter
def tokens(number: int) -> SafeString:
    return _data(str(number), f"{number:,}", short(number))


@register.filter
def number(value: int) -> str:
    return f"{value:,}"


@register.filter
def percent(share: float | None) -> str:
    """A share of 1 with one decimal; a dash where there is none."""
    return "–" if share is None else f"{share:.1%}"


@register.filter
def moment(instant: datetime) -> SafeString:
    """A time in UTC, which static/js/moments.js words in the reader's zone."""
    utc = instant.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-moment>{}</time>',
        utc.isoformat(timespec="seconds"),
        f"{utc:%Y-%m-%d %H:%M} UTC",
    )


@register.filter
def age(instant: datetime) -> SafeString:
    """As `moment`, but worded as "5m ago", and kept so, by static/js/moments.js."""
    utc = instant.astimezone(UTC)
    return format_html(
        '<time datetime="{}" data-age>{}</time>',
        utc.isoformat(timespec="seconds"),
        f"{utc:%Y-%m-%d %H:%M} UTC",
    )


def span(milliseconds: int) -> str:
    """A length of time in its two largest units: "380 ms", "4.2 s", "3m 05s", "2h 10m", "3d 4h"."""
    if milliseconds < 1_000:
        return f"{milliseconds} ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1_000:.1f} s"
    seconds = round(milliseconds / 1_000)
    if seconds < 3_600:
        return f"{seconds // 60}m {seconds % 60:02}s"
    minutes = seconds // 60
    if minutes < 48 * 60:
        return f"{minutes // 60}h {minutes % 60:02}m"
    return f"{minutes // 1_440}d {minutes // 60 % 24}h"


@register.filter
def duration(length: timedelta | int | None) -> str:
    """A timedelta, or whole milliseconds; a dash where it is unknown."""
    if length is None:
        return "–"
    return span(length if isinstance(length, int) else length // timedelta(milliseconds=1))
