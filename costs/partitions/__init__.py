"""The cost records by UTC month, each a partition of its table. PostgreSQL alone has them, and only
where `manage.py partitions` made them; what lies outside every month is in one more.

PostgreSQL keeps a key unique within a partition. That a source_id stands once over all of them is
looked after by `claim`, which every writer of keys asks first.
"""

from costs.partitions.conversion import Differs, convert
from costs.partitions.keys import claim
from costs.partitions.months import Month, ahead, before
from costs.partitions.table import is_partitioned, months, wanted
from costs.partitions.upkeep import drop, droppable, extend

__all__ = [
    "Differs",
    "Month",
    "ahead",
    "before",
    "claim",
    "convert",
    "drop",
    "droppable",
    "extend",
    "is_partitioned",
    "months",
    "wanted",
]
