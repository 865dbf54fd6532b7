"""What a backup or a restore tells while it works, and when it cannot."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


class Refused(Exception):
    """Nothing was changed; the text says why, and what to do."""
