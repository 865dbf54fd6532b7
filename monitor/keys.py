"""What may be asked of a new key: how it is called, what it may do, and when it ends."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from monitor.models import SCOPES, ApiKey

LONGEST = timedelta(days=36_525)
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
MAX_NAME = ApiKey._meta.get_field("name").max_length or 0


def named(text: str) -> str:
    """The name without blanks around it; ValueError where a list could not show it."""
    name = text.strip()
    if not name:
        raise ValueError("A key needs a name: who or what uses it.")
    if len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(f"A name has at most {MAX_NAME} characters, all of which can be seen.")
    return name


def scopes_of(text: str) -> list[str]:
    """The scopes of "read,write"; ValueError where there is another, or none."""
    asked = {scope.strip() for scope in text.split(",")}
    if not asked <= set(SCOPES):
        raise ValueError(f"The scopes are read, write or read,write, not {text!r}.")
    return [scope for scope in SCOPES if scope in asked]


def end_of(text: str, now: datetime) -> datetime:
    """When a key ends of which is said "12h", "90d", "2w" (from `now`) or "2027-01-31" (the
    beginning of that day in TIME_ZONE); ValueError where it makes no sense."""
    if found := re.fullmatch(r"([0-9]{1,6})([hdw])", text):
        span = int(found[1]) * UNITS[found[2]]
        return ahead(now.replace(microsecond=0) + min(span, 2 * LONGEST), now)
    try:
        day = datetime.combine(date.fromisoformat(text), time())
    except ValueError:
        raise ValueError(
            f"An expiry is like 12h, 90d, 2w or {now:%Y-%m-%d}, not {text!r}."
        ) from None
    return ahead(timezone.make_aware(day), now)


def ahead(end: datetime, now: datetime) -> datetime:
    """`end` itself; ValueError where it is past or further off than a hundred years."""
    if not timedelta() < end - now <= LONGEST:
        raise ValueError("An expiry is in the future, and not more than 100 years off.")
    return end
