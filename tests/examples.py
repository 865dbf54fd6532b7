"""How many examples hypothesis tries."""

from django.db import connection


def examples(count: int) -> int:
    """So many; on the second database, where each takes longer, as many as tell of its SQL."""
    return count if connection.vendor == "sqlite" else max(3, count * 15 // 100)
