"""From checked rows to the database: some thousand at a time, each batch a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from django.db import transaction

Item = TypeVar("Item")
SIZE = 1_000


class Misfit(Exception):
    """One item of a batch cannot be written; the others can."""

    def __init__(self, item: Any, cause: object) -> None:
        super().__init__(str(cause))
        self.item = item


def batches(items: Iterable[Item], weight: Callable[[Item], int]) -> Iterator[list[Item]]:
    """The items in lists that each weigh SIZE, or a little more."""
    batch: list[Item] = []
    weighs = 0
    for item in items:
        batch.append(item)
        weighs += weight(item)
        if weighs >= SIZE:
            yield batch
            batch, weighs = [], 0
    if batch:
        yield batch


def write(
    batch: list[Item],
    take: Callable[[list[Item]], Callable[[], None]],
    refuse: Callable[[Item, Misfit], None],
    *,
    dry_run: bool,
) -> None:
    """Take a batch in one transaction, without the items that do not fit; these are refused.

    `take` answers with what is to be counted once it is done. A dry run takes all of it back.
    """
    while True:
        try:
            with transaction.atomic():
                count = take(batch)
                if dry_run:
                    transaction.set_rollback(True)
            return count()
        except Misfit as misfit:
            refuse(misfit.item, misfit)
            batch = [item for item in batch if item is not misfit.item]
