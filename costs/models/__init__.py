from costs.models.limit import SpendingLimit
from costs.models.record import CostRecord
from costs.models.rollup import (
    ROLLUPS,
    LedgerState,
    ModelDay,
    ModelHour,
    Rollup,
    SessionHour,
    SessionSpan,
    TypeDay,
    TypeHour,
    UserDay,
    UserHour,
    UserModelMonth,
)
from costs.models.usage_import import ImportedUsage, UsageImport

__all__ = [
    "ROLLUPS",
    "CostRecord",
    "ImportedUsage",
    "LedgerState",
    "ModelDay",
    "ModelHour",
    "Rollup",
    "SessionHour",
    "SessionSpan",
    "SpendingLimit",
    "TypeDay",
    "TypeHour",
    "UsageImport",
    "UserDay",
    "UserHour",
    "UserModelMonth",
]
