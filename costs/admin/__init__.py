from costs.admin.imports import ImportedUsageAdmin, UsageImportAdmin
from costs.admin.ledger import (
    CostRecordAdmin,
    LedgerStateAdmin,
    ModelRollupAdmin,
    SessionHourAdmin,
    SessionSpanAdmin,
    TypeRollupAdmin,
    UserModelMonthAdmin,
    UserRollupAdmin,
)
from costs.admin.limits import SpendingLimitAdmin

__all__ = [
    "CostRecordAdmin",
    "ImportedUsageAdmin",
    "LedgerStateAdmin",
    "ModelRollupAdmin",
    "SessionHourAdmin",
    "SessionSpanAdmin",
    "SpendingLimitAdmin",
    "TypeRollupAdmin",
    "UsageImportAdmin",
    "UserModelMonthAdmin",
    "UserRollupAdmin",
]
