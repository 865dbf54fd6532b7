"""Where the bars of a small chart stand, in whole units of its viewBox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, log2

from sessions.durations import value
from sessions.statistics import Point

LEAST, BARS = 9, 24
STEPS = (0.25, 0.5, 1.0, 2.0)  # how many doublings of the duration a bar spans
WIDTH, GAP, HEIGHT = 6, 1, 28


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; its bad part stands at the foot of it."""

    x: int
    y: int
    height: int
    bad_y: int
    bad_height: int
    width: int = WIDTH


@dataclass(frozen=True, slots=True)
class Chart:
    bars: Sequence[Bar]
    height: int = HEIGHT

    @property
    def width(self) -> int:
        return max(len(self.bars), 1) * (WIDTH + GAP) - GAP

    @property
    def outline(self) -> str:
        """All bars as the data of one SVG path."""
        return _path((bar.x, bar.y, bar.height) for bar in self.bars)

    @property
    def bad_outline(self) -> str:
        return _path((bar.x, bar.bad_y, bar.bad_height) for bar in self.bars)


def _path(boxes: Iterable[tuple[int, int, int]]) -> str:
    return "".join(f"M{x} {y}h{WIDTH}v{high}h-{WIDTH}z" for x, y, high in boxes if high)


def chart(points: Sequence[Point]) -> Chart:
    """A bar for each point, the highest as high as the chart; no call is drawn as no bar."""
    top = max((point.calls for point in points), default=0)
    return Chart([_bar(place, *point, top) for place, point in enumerate(points)])


def _bar(place: int, calls: int, bad: int, top: int) -> Bar:
    high, low = _height(calls, top), min(_height(bad, top), _height(calls, top))
    return Bar(place * (WIDTH + GAP), HEIGHT - high, high, HEIGHT - low, low)


def _height(count: int, top: int) -> int:
    """At least one unit where there is anything."""
    return max(round(count / top * HEIGHT), 1) if count else 0


@dataclass(frozen=True, slots=True)
class Slot:
    """The calls that took `low` to `high` milliseconds."""

    low: int
    high: int
    calls: int


def slots(durations: Mapping[int, int]) -> list[Slot]:
    """A histogram (sessions.durations) in LEAST to BARS slots, each as many doublings wide."""
    places = {number: log2(value(number) + 1) for number, calls in durations.items() if calls}
    if not places:
        return []
    low, high = min(places.values()), max(places.values())
    step = next(
        (step for step in STEPS if floor(high / step) - floor(low / step) < BARS), STEPS[-1]
    )
    counts: Counter[int] = Counter()
    for number, place in places.items():
        counts[floor(place / step)] += durations[number]
    first, last = floor(low / step), floor(high / step)
    margin = max(LEAST - (last - first), 0) // 2
    first = max(first - margin, 0)
    last = max(last + margin, first + LEAST - 1)
    return [Slot(_ms(n * step), _ms((n + 1) * step), counts[n]) for n in range(first, last + 1)]


def _ms(doublings: float) -> int:
    return round(2**doublings - 1)
