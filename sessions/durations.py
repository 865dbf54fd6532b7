"""A histogram of durations whose buckets grow with them: 64 to each doubling, by bit shifts.

Durations are whole milliseconds. Those below 128 have a bucket each; above, a bucket is narrow
enough that its representative is within 0.8 % of every duration in it.

A percentile is the nearest rank: the q-quantile of n values is the ceil(q·n)-th smallest of them,
and the smallest for q = 0. It is always one of the values, never something between two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil

from msgspec import msgpack

OCTAVE = 64
SHIFT = OCTAVE.bit_length()

_decode = msgpack.Decoder(dict[int, int]).decode


def bucket(ms: int) -> int:
    """The number of the bucket that holds a duration; grows with it. Raises ValueError below 0."""
    if ms < 0:
        raise ValueError(f"a duration is not negative: {ms}")
    octave = max(ms.bit_length() - SHIFT, 0)
    return OCTAVE * octave + (ms >> octave)


def bounds(bucket: int) -> tuple[int, int]:
    """The durations [low, high) that a bucket holds."""
    octave = max(bucket // OCTAVE - 1, 0)
    place = bucket - OCTAVE * octave
    return place << octave, (place + 1) << octave


def value(bucket: int) -> float:
    """The duration that stands for all in a bucket: the middle of the least and the greatest."""
    low, high = bounds(bucket)
    return (low + high - 1) / 2


def quantile(counts: Mapping[int, int], q: float) -> float | None:
    """The nearest rank of durations of which `counts` tells how many are in each bucket.

    Within 0.8 % of what `nearest_rank` says of the durations themselves; None of none.
    """
    rank = _rank(sum(counts.values()), q)
    for number, count in sorted(counts.items()):
        rank -= count
        if rank <= 0:
            return value(number)
    return None


def nearest_rank(values: Sequence[int], q: float) -> int | None:
    """The nearest rank of sorted values; None of none. Raises ValueError for q outside 0…1."""
    return values[_rank(len(values), q) - 1] if values else None


def _rank(total: int, q: float) -> int:
    """Counted from 1. As a fraction, since 0.07 · 100 as a float is more than 7."""
    if not 0 <= q <= 1:
        raise ValueError(f"a quantile lies in 0…1, not at {q}")
    return max(ceil(Fraction(q).limit_denominator(10_000) * total), 1)


def packed(counts: Mapping[int, int]) -> bytes:
    """How many are in each bucket, as it is stored: MessagePack, in order, without empty ones."""
    filled = {number: counts[number] for number in sorted(counts) if counts[number]}
    return msgpack.encode(filled) if filled else b""


def unpacked(stored: bytes | memoryview) -> dict[int, int]:
    return _decode(stored) if len(stored) else {}
