"""What the invented work costs, and what its users may spend."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from costs.limits import meters, set_user_limits
from costs.money import from_nano
from costs.usage import Usage
from monitor.demo.cast import BOTS, NAMES, TYPES
from monitor.demo.chance import Chance
from monitor.demo.marks import MARK, SOURCE, USERS
from monitor.demo.story import Story

CALLS = 2  # tool calls a request
CHATS = 14  # a day and bot
CENT = Decimal("0.01")


def requests(story: Story) -> Iterator[Usage]:
    """The requests to models that a session took: its context is read from the cache, and grows."""
    chance = Chance.of(story.key, "cost")
    context = chance.around(38_000, 0.3)
    for number, call in enumerate(story.calls[::CALLS]):
        grown = int(chance.around(3_800, 0.7, most=20_000))
        yield Usage(
            user_id=story.job.user_id,
            model=story.model,
            timestamp=call.at - timedelta(milliseconds=400),
            input_tokens=int(chance.around(240, 0.9, most=9_000)),
            output_tokens=int(chance.around(640, 0.9, most=6_000)),
            cache_read_tokens=min(int(context), 160_000),
            cache_write_5m_tokens=grown,
            request_type=TYPES[story.job.agent],
            session_key=story.key,
            source=SOURCE,
            source_id=f"{story.key}-{number:03}",
        )
        context += grown


def chats(seed: int, days: int, hour: datetime) -> Iterator[Usage]:
    """Questions that bots put to a small model without a session, at all hours before `hour`."""
    for user_id in BOTS:
        chance = Chance.of(seed, "chats", user_id)
        for number in range(days * CHATS):
            yield Usage(
                user_id=user_id,
                model="claude-haiku-4-5",
                timestamp=hour - timedelta(seconds=chance.randrange(1, days * 86_400)),
                input_tokens=int(chance.around(900, 1, most=40_000)),
                output_tokens=int(chance.around(260, 0.8, most=4_000)),
                request_type=chance.weighted({"chat": 80, "search": 20}),
                source=SOURCE,
                source_id=f"{MARK}{seed}-chat-{user_id}-{number}",
            )


def set_limits(now: datetime) -> None:
    """One user is near the end of a limit, one has reached it, some are far off, some have none."""
    near, reached, *far, free = USERS[: len(NAMES)]
    _, month = meters(near, None, now)
    day, _ = meters(reached, None, now)
    _set(near, monthly=_cents(month.spent_nano, Decimal("0.85"), ROUND_UP))
    _set(reached, daily=_cents(day.spent_nano, Decimal(1), ROUND_DOWN), monthly=Decimal(500))
    for user_id in far:
        _set(user_id, daily=Decimal(25), monthly=Decimal(400))
    _set(free)


def _set(user_id: str, **amounts: Decimal) -> None:
    set_user_limits(user_id, display_name=NAMES[USERS.index(user_id)], **amounts)


def _cents(spent_nano: int, share: Decimal, rounding: str) -> Decimal:
    """The limit of which `spent_nano` is that share: whole dollars, where it is many of them."""
    limit = from_nano(spent_nano) / share
    return limit.quantize(Decimal(1) if limit >= 50 and share < 1 else CENT, rounding)
