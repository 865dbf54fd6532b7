from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection

from costs import partitions, windows
from costs.models import CostRecord
from costs.windows import EPOCH, FOREVER
from tests.costs.partitioned import NOW, fill, names, on_postgresql, rows


def run(*arguments):
    """What the command says, at noon of 14 February 2026."""
    out = StringIO()
    with time_machine.travel(NOW, tick=False):
        call_command("partitions", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite")
@pytest.mark.django_db
class TestOnSQLite:
    @pytest.mark.parametrize("arguments", [[], ["--dry-run"], ["--keep", "3"]])
    def test_it_is_refused_in_one_line(self, arguments):
        with pytest.raises(CommandError, match=r"^Partitions are of PostgreSQL; on SQLite, .*$"):
            run(*arguments)


@on_postgresql
@pytest.mark.django_db
class TestPartitions:
    def test_the_table_is_divided_and_the_copy_proven(self):
        fill()
        before = rows()
        told = run()
        assert "           5  costs_costrecord_2026_02" in told
        assert "           3  costs_costrecord_other" in told
        assert "Proven: 63 records with equal sums." in told
        assert names()[0] == "2025-08"
        assert names()[-1] == "2026-05"
        assert rows() == before

    def test_the_next_run_makes_the_months_that_are_missing(self):
        run()
        assert run() == "4 months have a partition.\n"
        assert "Made 2026-06, with 0 records." in run("--ahead", "4")

    def test_old_months_are_dropped(self):
        fill()
        total = windows.totals(EPOCH, FOREVER)
        told = run("--keep", "2")
        assert " records before 2025-12-01 UTC are gone; their sums stay." in told
        assert names()[0] == "2025-12"
        assert CostRecord.objects.earliest("timestamp").timestamp >= partitions.before(NOW, 2)
        assert windows.totals(EPOCH, FOREVER) == total

    def test_a_dry_run_says_what_it_would_do(self):
        fill()
        before = rows()
        told = run("--dry-run", "--keep", "2")
        assert "63 records would be divided by month." in told
        assert "Would make: 2025-08, 2025-09, 2025-10, 2025-11, 2025-12, 2026-01" in told
        assert not partitions.is_partitioned()
        run()
        old = CostRecord.objects.before(partitions.before(NOW, 2)).count()
        assert run("--dry-run", "--keep", "2") == (
            "Would make: none.\n"
            f"Would drop: 2025-08, 2025-09, 2025-10, 2025-11; {old} records before 2025-12-01.\n"
        )
        assert rows() == before
        assert names()[0] == "2025-08"

    @pytest.mark.parametrize("arguments", [["--keep", "-1"], ["--ahead", "61"], ["--ahead", "x"]])
    def test_a_number_that_makes_no_sense_is_refused(self, arguments):
        with pytest.raises(CommandError, match="a whole number of months from 0 to"):
            run(*arguments)
