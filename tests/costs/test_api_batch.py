import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costs import audit, ledger, windows
from costs.models import ROLLUPS, CostRecord, LedgerState, ModelHour, SessionSpan
from costs.money import from_nano
from costs.totals import Spend
from tests.costs.brute import at
from tests.costs.test_api_usage import CLAIM, USAGE, exact, post
from tests.emptying import empty
from tests.examples import examples

ROOT = Path(__file__).parents[2]
BATCH = "/api/usage/batch"


def send(client, *records, **headers):
    return post(client, BATCH, {"records": records}, **headers)


@pytest.mark.django_db
class TestBatch:
    def test_each_record_has_its_result_in_its_place(self, writer):
        ledger.record_usage(**USAGE, source_id="old", cost=Decimal(7))
        answer = send(
            writer,
            USAGE | {"cost": 0.1, "source_id": "new"},
            USAGE | {"cost": 99, "source_id": "old"},
            USAGE | {"input_tokens": -1},
            USAGE | {"cost": "0.2"},
        )
        assert answer.status_code == 200
        refused = answer.json()["results"][2]
        assert refused["error"].startswith("records[2].input_tokens: ")
        assert exact(answer) == {
            "results": [
                {"index": 0, "status": "booked", "cost": Decimal("0.1"), "error": None},
                {"index": 1, "status": "known", "cost": 7, "error": None},
                {"index": 2, "status": "rejected", "cost": None, "error": refused["error"]},
                {"index": 3, "status": "booked", "cost": Decimal("0.2"), "error": None},
            ],
            "booked": 2,
            "known": 1,
            "rejected": 1,
        }
        assert windows.spend(windows.EPOCH, windows.FOREVER).cost == Decimal("7.3")

    @pytest.mark.parametrize(
        ("record", "place"),
        [
            (json.dumps(USAGE | {"cost": "NaN"}), "records[1].cost: "),
            (json.dumps(USAGE | {"cost": -1}), "records[1].cost: "),
            (json.dumps(USAGE | {"timestamp": "2025-10-24"}), "records[1].timestamp: "),
            (json.dumps(USAGE | {"user_id": "a\0"}), "records[1].user_id: "),
            (
                json.dumps(USAGE | {"tokens": 5}),
                "records[1]: Object contains unknown",
            ),
            ("{}", "records[1]: Object missing required"),
            ("5", "records[1]: Expected `object`"),
            ("null", "records[1]: Expected `object`"),
        ],
    )
    def test_a_fault_is_told_with_its_path_and_the_others_are_booked(self, writer, record, place):
        good = json.dumps(USAGE)
        answer = post(writer, BATCH, f'{{"records": [{good}, {record}, {good}]}}')
        assert answer.status_code == 200
        statuses = [result["status"] for result in answer.json()["results"]]
        assert statuses == ["booked", "rejected", "booked"]
        assert answer.json()["results"][1]["error"].startswith(place)
        assert CostRecord.objects.count() == 2

    def test_a_record_that_is_no_utf_8_is_told(self, writer):
        good = json.dumps(USAGE).encode()
        torn = good.replace(b"ann", b"\xff\xfe")
        answer = post(writer, BATCH, b'{"records": [%s, %s]}' % (torn, good))
        assert answer.status_code == 200
        assert answer.json()["results"][0]["error"].startswith("records[0]: cannot be read: ")

    def test_where_none_is_valid_the_first_fault_is_the_error(self, writer):
        answer = send(writer, USAGE | {"cost": -1}, {"user_id": "ann"})
        assert answer.status_code == 400
        told = answer.json()
        assert told["error"] == told["results"][0]["error"]
        assert "records[0].cost" in told["error"]
        assert [result["index"] for result in told["results"]] == [0, 1]
        assert (told["booked"], told["known"], told["rejected"]) == (0, 0, 2)

    def test_known_ones_alone_are_no_fault(self, writer):
        send(writer, USAGE | {"source_id": "a"})
        answer = send(writer, USAGE | {"source_id": "a"}, {})
        assert answer.status_code == 200
        assert answer.json()["known"] == 1

    @pytest.mark.parametrize(
        "body",
        [
            "[]",
            "{}",
            '{"records": null}',
            '{"records": []}',
            '{"records": {}}',
            '{"records": [1,]}',
            json.dumps({"records": [USAGE], "more": 1}),
            json.dumps({"records": [USAGE] * 1001}),
        ],
    )
    def test_what_is_no_batch_is_refused_whole(self, writer, body):
        answer = post(writer, BATCH, body)
        assert answer.status_code == 400
        assert answer.json()["error"]
        assert not CostRecord.objects.exists()

    def test_a_thousand_go_at_once(self, writer):
        records = [USAGE | {"source_id": f"k{number}", "cost": 1} for number in range(1000)]
        assert send(writer, *records).json()["booked"] == 1000
        assert send(writer, *records).json()["known"] == 1000
        assert windows.spend(windows.EPOCH, windows.FOREVER) == Spend(1000, 1000 * 10**9)

    def test_a_key_twice_in_one_batch_counts_once_the_first(self, writer):
        answer = send(
            writer,
            USAGE | {"source_id": "k", "cost": 1},
            USAGE | {"source_id": "k", "cost": 2},
            USAGE | {"source_id": "k", "cost": 3, "source": "bot"},
        )
        results = [(result["status"], result["cost"]) for result in answer.json()["results"]]
        assert results == [("booked", 1), ("known", 1), ("booked", 3)]

    def test_the_standard_header_gives_each_record_a_key_of_its_own(self, writer):
        for status in ("booked", "known"):
            answer = send(writer, USAGE, USAGE, **{"Idempotency-Key": "b1"})
            assert [result["status"] for result in answer.json()["results"]] == [status] * 2
        keys = CostRecord.objects.order_by("source_id").values_list("source_id", flat=True)
        assert list(keys) == ["b1#0", "b1#1"]

    def test_late_ones_reach_the_rollups_once(self, writer):
        ledger.seal(at(10))
        records = [
            USAGE | {"source_id": f"k{hours}", "timestamp": at(hours).isoformat()}
            for hours in (1, 1.5, 9, 11)
        ]
        for _ in range(2):
            send(writer, *records, records[0])
        assert sum(ModelHour.objects.values_list("requests", flat=True)) == 3
        assert [check for check in audit.check() if check.wrong] == []

    def test_the_statements_do_not_grow_with_the_records(self, writer, django_assert_num_queries):
        def batch(size, first):
            return [USAGE | {"source_id": f"k{first + number}"} for number in range(size)]

        send(writer, USAGE)
        for size in (2, 200):
            with django_assert_num_queries(3 + CLAIM):  # key, marks, insert
                send(writer, *batch(size, size))
            with django_assert_num_queries(4 + CLAIM):  # and what the keys stand for
                send(writer, *batch(size, size))


costs = st.integers(0, 10**15).map(lambda nano: str(from_nano(nano)))
good = st.fixed_dictionaries(
    {
        "user_id": st.sampled_from(["ann", "bob"]),
        "model": st.sampled_from(["haiku", "sonnet"]),
        "input_tokens": st.just(1),
        "output_tokens": st.just(2),
        "cost": costs,
        "timestamp": st.integers(-20, 40).map(lambda hours: at(hours / 2).isoformat()),
    },
    optional={"source_id": st.sampled_from("abcdefgh"), "source": st.sampled_from(["x", "y"])},
)
spoilt = st.sampled_from(
    [{"cost": "NaN"}, {"cost": -1}, {"user_id": ""}, {"input_tokens": 1.5}, {"what": 1}]
)
records = st.one_of(good, good, st.builds(lambda record, bad: record | bad, good, spoilt))
steps = st.lists(
    st.one_of(
        st.lists(records, min_size=1, max_size=12),
        st.integers(-20, 40).map(lambda hours: at(hours / 2)),  # a seal
    ),
    min_size=1,
    max_size=6,
)


class Book:
    """The truth the slow way: what each record must come to, and the sums of all."""

    def __init__(self) -> None:
        self.keys: dict[tuple[str, str], Decimal] = {}
        self.booked: list[dict] = []

    def expect(self, record):
        """The status and the cost of the result of `record`, when it is sent next."""
        try:
            bad = not record["user_id"] or not Decimal(record["cost"]) >= 0
        except ArithmeticError:
            bad = True
        if bad or record["input_tokens"] != 1 or "what" in record:
            return "rejected", None
        key = (record.get("source", "api"), record.get("source_id"))
        if key[1] and key in self.keys:
            return "known", self.keys[key]
        self.keys[key] = Decimal(record["cost"])
        self.booked.append(record)
        return "booked", Decimal(record["cost"])

    def spent(self, **only):
        mine = [
            Decimal(record["cost"])
            for record in self.booked
            if all(record[name] == value for name, value in only.items())
        ]
        return Spend(len(mine), int(sum(mine) * 10**9))


@pytest.mark.django_db
class TestAnyBatches:
    @settings(
        max_examples=examples(60),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(steps=steps)
    def test_results_and_sums_are_those_of_a_plain_list(self, writer, steps):
        empty(CostRecord, *ROLLUPS, SessionSpan, LedgerState)
        book = Book()
        for step in steps:
            if isinstance(step, list):
                answer = send(writer, *step)
                expected = [book.expect(record) for record in step]
                told = [(result["status"], result["cost"]) for result in exact(answer)["results"]]
                assert told == expected
                counted = Counter(status for status, _ in expected)
                assert all(answer.json()[status] == n for status, n in counted.items())
                assert answer.status_code == (400 if counted["rejected"] == len(step) else 200)
            else:
                ledger.seal(step)
        always = windows.EPOCH, windows.FOREVER
        assert windows.spend(*always) == book.spent()
        assert windows.spend(*always, user_id="ann") == book.spent(user_id="ann")
        assert windows.spend(*always, model="haiku") == book.spent(model="haiku")
        assert [check for check in audit.check() if check.wrong] == []


@pytest.mark.django_db(transaction=True)
class TestManyProcesses:
    def test_the_same_keys_sent_by_eight_are_booked_once_each(self, process_settings):
        """Half of them late, while another process moves the mark under them."""
        ledger.seal(at(24))
        command = [sys.executable, "-m", "tests.costs.hand"]
        hands = [
            subprocess.Popen(
                [*command, task, str(seed), "15"],
                cwd=ROOT,
                env=process_settings,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for seed, task in enumerate(["resend"] * 8 + ["seal"])
        ]
        booked = 0
        for process in hands:
            output, errors = process.communicate()
            assert (process.returncode, errors) == (0, "")
            booked += int(output or 0)
        assert booked == CostRecord.objects.count() == 15 * 20
        everything = windows.spend(windows.EPOCH, windows.FOREVER)
        assert everything == Spend(300, 300 * 10**9)
        assert [check for check in audit.check() if check.wrong] == []
