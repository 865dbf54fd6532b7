"""Medians, interleaved pairs, and tables with their aims."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from statistics import median
from textwrap import fill
from time import perf_counter

Deed = Callable[[], object]


def seconds(deed: Deed) -> float:
    start = perf_counter()
    deed()
    return perf_counter() - start


def repeated(deed: Deed, runs: int) -> float:
    """The median time of `runs` runs, in seconds."""
    return median(seconds(deed) for _ in range(runs))


def interleaved(deeds: Sequence[Deed], runs: int) -> list[float]:
    """The median time of each of `deeds`, run in turn, so that noise meets all of them alike."""
    for deed in deeds:
        deed()
    gc.collect()
    gc.freeze()  # what was made beforehand is no garbage of the deeds
    rounds = [[seconds(deed) for deed in deeds] for _ in range(runs)]
    gc.unfreeze()
    return [median(times) for times in zip(*rounds, strict=True)]


def duration(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} us"


def at_least(ratio: float, aim: float) -> str:
    return f"≥ {aim:,.0f}: {'met' if ratio >= aim else 'missed'}"


def at_most(figure: float, aim: float, unit: str = "") -> str:
    return f"≤ {aim:g}{unit}: {'met' if figure <= aim else 'missed'}"


said: list[str] = []
"""All lines of this run so far, for the report."""


def say(text: str = "") -> None:
    said.append(text)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def show(title: str, note: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table of Markdown, the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    say(f"\n## {title}\n\n{fill(note, 98)}\n")
    rule = [f"{'-' * (width - 1)}:" for width in widths]
    for row in (header, ["-" * widths[0], *rule[1:]], *rows):
        first, *rest = (
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        say("| " + " | ".join((first, *rest)) + " |")
