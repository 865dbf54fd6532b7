"""Choices that come out the same for the same words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import TypeVar

Item = TypeVar("Item")


class Chance(Random):
    """A generator of its own for each part, so that no part shifts the choices of another."""

    @classmethod
    def of(cls, *words: object) -> Chance:
        return cls("/".join(map(str, words)))

    def weighted(self, weights: Mapping[Item, float]) -> Item:
        return self.choices(list(weights), list(weights.values()))[0]

    def around(self, median: float, spread: float, *, most: float = math.inf) -> float:
        """Positive, with a long tail: half of the values are above `median`."""
        return min(self.lognormvariate(math.log(median), spread), most)

    def happens(self, share: float) -> bool:
        return self.random() < share
