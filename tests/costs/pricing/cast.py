"""What a request costs, by the rows that are shipped or by a file of one's own."""

import csv
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from costs.pricing import SHIPPED, Tokens, price

NOVEMBER = datetime(2026, 11, 15, tzinfo=UTC)
MILLION = 1_000_000
with SHIPPED.open(encoding="utf-8", newline="") as prices:
    LINES = list(csv.DictReader(prices))
HEADER = "model,aliases,from,until,above,input,output,write_5m,write_1h,read,us,fast,note\n"


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dollars(model: str, tokens: Tokens, at: datetime = NOVEMBER, **how: Any) -> Decimal:
    answer = price(model, tokens, at, **how)
    assert answer is not None
    return Decimal(answer.cost_nano).scaleb(-9)


def row_of(model: str, at: datetime = NOVEMBER, prompt: int = 1) -> str | None:
    answer = price(model, Tokens(input=prompt), at)
    return answer and answer.row


def own_file(folder: Path, rows: str, header: str = HEADER) -> str:
    path = folder / "own.csv"
    path.write_text(header + rows, encoding="utf-8")
    return str(path)
