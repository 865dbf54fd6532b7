"""The ETag of a fragment: it stays until something is committed, or the minute is over."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

from django.utils import timezone

from monitor.middleware import Request, fragment
from monitor.version import version


def this_minute() -> datetime:
    """What states and ranges are told by, so that they change with the minute alone."""
    return timezone.now().replace(second=0, microsecond=0)


def fragment_tag(request: Request, template: str) -> str | None:
    """None for a whole page and for a form, which carry a token of their own each time."""
    name = fragment(request, template)
    if name is None or request.method == "POST" or "action" in request.GET:
        return None
    state = version(), request.get_full_path(), name, request.user.pk, this_minute()
    return f'"{blake2b(repr(state).encode(), digest_size=16).hexdigest()}"'
