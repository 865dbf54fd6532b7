from costs.admin.imports import ImportedUsageAdmin, UsageImportAdmin
from costs.admin.ledger import CostRecordAdmin, LedgerStateAdmin, ModelRollupAdmin, UserRollupAdmin
from costs.admin.limits import SpendingLimitAdmin

__all__ = [
    "CostRecordAdmin",
    "ImportedUsageAdmin",
    "LedgerStateAdmin",
    "ModelRollupAdmin",
    "SpendingLimitAdmin",
    "UsageImportAdmin",
    "UserRollupAdmin",
]
