"""What the spend page is made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from costs.limits import Meter
from costs.projection import Projection
from costs.savings import Savings
from costs.spending import Filter
from costs.totals import Totals
from monitor.gallery.cast import DOLLAR, LONG, MODELS, NOON, ago, totals
from monitor.periods import Period
from monitor.ranking import Row
from monitor.spend.address import MODEL, SOURCE, TYPE, USER, Chip, SpendAddress
from monitor.spend.between import Between
from monitor.spend.chart import MODELS as COLOURS
from monitor.spend.chart import OTHERS, Bar, Chart, Cost
from monitor.spend.choices import Choice
from monitor.spend.edges import DAY, HOUR, Step
from monitor.spend.panels import Line, SessionLine
from monitor.spend.users import Gauge, UserLine

PERIOD = Period.parse("30d", NOON)
ADDRESS = SpendAddress(PERIOD)
FILTERED = replace(ADDRESS, only=Filter(user_id="100000001"))
BETWEEN = replace(ADDRESS, period=Between.of(ago(90), ago(30)))
NOTHING = Totals()
LITTLE = Totals(requests=1, cost_nano=6_400_000, input_tokens=812, output_tokens=64)


def chart(models: list[str], days: int, step: Step) -> Chart:
    """Bars of so many steps up to noon; on each third nothing was spent."""
    bars = []
    for n in range(days):
        at = NOON - (days - 1 - n) * timedelta(days=step.days, hours=step.hours)
        costs = [Cost(n % 3 * (n % 5 + 9 - k) * DOLLAR, "?") for k in range(len(models))]
        bars.append(Bar(f"{at:{step.style}}", costs, "?"))
    return Chart(
        step, "Europe/Berlin", models, bars, ["" if name == OTHERS else "?" for name in models]
    )


def line(name: str, cost: float, share: float, **facts: str) -> Line:
    given = {"label": name, "url": "?", "records": "?"} | facts
    return Line(Row(name, totals(cost), share), **given)


LINES = [
    line(MODELS[0], 359.68, 0.57),
    line(LONG, 165.61, 0.26),
    line("", 0, 0.0, label="no model known"),
    Line(Row("3 more", totals(104.4, 1_208), 0.17, is_rest=True), "3 more"),
]


def gauge(name: str, spent: float, limit: float | None) -> Gauge:
    nano = None if limit is None else round(limit * DOLLAR)
    return Gauge(Meter(name, nano, round(spent * DOLLAR), NOON), "?")


GAUGES = {
    "no limit": gauge("Daily", 3.2, None),
    "far from it": gauge("Daily", 3.2, 10),
    "near it": gauge("Monthly", 86.4, 100),
    "reached": gauge("Daily", 10, 10),
    "over it": gauge("Monthly", 143.46, 100),
    "nothing allowed": gauge("Daily", 0, 0),
}
USERS = [
    UserLine(
        line("100000002", 143.46, 0.58),
        "Ada Lovelace",
        [GAUGES["near it"], GAUGES["over it"]],
        "?",
    ),
    UserLine(line("u" * 64, 101.58, 0.42), "A team with a long name " * 3, [GAUGES["reached"]] * 2),
    UserLine(Line(Row("idle", NOTHING, 0.0), "idle", "?", "?"), "", [GAUGES["no limit"]] * 2, "?"),
    UserLine(Line(Row("7 more", totals(3), 0.01, is_rest=True), "7 more")),
]
SESSIONS = [
    SessionLine("s1", Row("s1", totals(41.2), 0.6), "First look", "3ceb3ffd", "Fix the parser"),
    SessionLine("s2", Row("s2", totals(17), 0.3), LONG, "3ceb3ffd", "Say what is to be done " * 6),
    SessionLine("0199c1de-7d3f", Row("s3", LITTLE, 0.1)),
]
CHOICES = [
    Choice(USER, "100000001", ["100000001", "u" * 64], is_open=True),
    Choice(MODEL, "", [*MODELS, "(none)"]),
    Choice(TYPE, "", ["chat", "code"]),
    Choice(SOURCE, "", ["api", "bot"], is_open=True),
]
CHIPS = [Chip("user", "100000001", "?"), Chip("model", LONG, "?")]
PROJECTION = Projection(
    181 * DOLLAR,
    406 * DOLLAR,
    13 * DOLLAR,
    NOON,
    "Spent so far, plus the mean rate of the last 7 days until the month ends.",
)


def filters(choices: list[Choice], chips: list[Chip]) -> dict[str, Any]:
    return {"action": "?", "range": "30d", "choices": choices, "chips": chips, "all": "?"}


def empty(address: SpendAddress) -> dict[str, Any]:
    return {"address": address, "period": address.period, "all": "?range=all"}


def savings(dollars: int, *unpriced: str, records: str = "?") -> dict[str, Any]:
    told = Savings(dollars * DOLLAR, unpriced)
    return {"savings": told, "records": records, "size": abs(told.saved_nano)}


STATES: dict[str, dict[str, dict[str, Any]]] = {
    "spend_filters": {
        "none in force": filters(CHOICES[1:], []),
        "some in force": filters(CHOICES, CHIPS),
    },
    "spend_empty": {
        "nothing in the range": empty(ADDRESS),
        "nothing under the filters": empty(FILTERED),
        "nothing from one instant to another": empty(BETWEEN),
    },
    "spend_requests": {
        "many": {"totals": totals(605, 12_324), "records": "?"},
        "none": {"totals": NOTHING, "records": "?"},
    },
    "spend_tokens": {
        "many": {"totals": totals(605), "records": "?"},
        "few": {"totals": LITTLE, "records": "?"},
        "none": {"totals": NOTHING, "records": "?"},
    },
    "spend_savings": {
        "saved": savings(96),
        "lost, and not all is known": savings(-4, "my-own-model"),
        "nothing cached": savings(0, records=""),
    },
    "spend_projection": {"as it is": {"projection": PROJECTION, "url": "?"}},
    "spend_chart": {
        "days of three models": {"chart": chart([*MODELS], 31, DAY), "records": "?"},
        "more models than colours": {
            "chart": chart([*(f"model-{n}" for n in range(COLOURS)), OTHERS], 3, HOUR),
            "records": "?",
        },
        "an hour of a model not known": {"chart": chart([""], 2, HOUR), "records": "?"},
    },
    "spend_table": {
        "by each kind of token": {"lines": LINES, "of": "model", "detailed": True},
        "plain": {"lines": LINES[:1], "of": "request type", "detailed": False},
        "empty": {"lines": [], "of": "model", "detailed": True},
    },
    "spend_number": {
        "with its records": {"text": "1,208", "url": "?"},
        "without": {"text": "0", "url": ""},
    },
    "spend_gauge": {state: {"gauge": each} for state, each in GAUGES.items()},
    "spend_users": {"full": {"users": USERS}, "empty": {"users": []}},
    "spend_sessions": {
        "full": {"sessions": SESSIONS, "elsewhere": 5 * DOLLAR},
        "empty": {"sessions": [], "elsewhere": 0},
    },
}
