from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from costs.totals import Spend


@dataclass(frozen=True, slots=True)
class UserLine:
    """What an import did for one user; costs in nano-dollars.

    `drift_nano` is what float sums in the file are off by, `excess_nano` what trusted records
    exceed the file's totals by; neither is booked.
    """

    user_id: str
    read: int
    added: int
    carried_requests: int
    cost_nano: int
    carried_nano: int
    drift_nano: int
    excess_nano: int
    lifetime_requests: int
    lifetime_nano: int

    @property
    def skipped(self) -> int:
        return self.read - self.added

    @property
    def booked(self) -> Spend:
        """What the ledger gained."""
        return Spend(self.added + self.carried_requests, self.cost_nano + self.carried_nano)


@dataclass(slots=True)
class Report:
    """What one import read and did; `proven` once the ledger's totals were found to agree.

    `unsealed` is why what was booked could not be rolled up yet, if that is so.
    """

    file_name: str
    source: str
    sha256: str = ""
    size: int = 0
    backup: str = ""
    lines: list[UserLine] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    before: Spend = field(default_factory=Spend)
    after: Spend = field(default_factory=Spend)
    proven: bool = False
    saved: bool = False
    unsealed: str = ""

    def sum(self, name: str) -> int:
        """The sum of one field over all users."""
        return sum(getattr(line, name) for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        return {"users": [asdict(line) for line in self.lines], "notes": self.notes}
