"""Who holds a stream open, and whether they still may: an answer without end outlives its check."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Self

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone

from monitor.middleware import Request
from monitor.models import ApiKey


@dataclass(frozen=True)
class Caller:
    """A key by its number, or a person by their number and the key of their sign-in."""

    key_id: int | None = None
    user_id: int | None = None
    session_key: str = ""

    @classmethod
    def of(cls, request: Request) -> Self:
        if request.api_key:
            return cls(key_id=request.api_key.pk)
        return cls(user_id=request.user.pk, session_key=request.session.session_key or "")


def still_allowed(callers: Collection[Caller], now: datetime | None = None) -> set[Caller]:
    """Those of `callers` whose key may still read, or who are still signed in."""
    keys = {caller.key_id for caller in callers if caller.key_id is not None}
    usable = ApiKey.objects.usable(now or timezone.now()).filter(pk__in=keys, can_read=True)
    people = {caller.user_id for caller in callers if caller.user_id is not None}
    active = get_user_model().objects.filter(pk__in=people, is_active=True)
    known = set(usable.values_list("pk", flat=True)), set(active.values_list("pk", flat=True))
    return {caller for caller in callers if _is_known(caller, *known)}


def _is_known(caller: Caller, keys: set[int], people: set[int]) -> bool:
    if caller.key_id is not None:
        return caller.key_id in keys
    store = import_module(settings.SESSION_ENGINE).SessionStore
    return caller.user_id in people and store().exists(caller.session_key)
