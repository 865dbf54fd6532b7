from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, models, transaction

from costs import audit, ledger, partitions, windows
from costs.models import CostRecord
from costs.partitions import Differs, Month
from costs.partitions.months import OTHER, TABLE
from tests.costs.partitioned import AHEAD, NOW, figures, fill, names, on_postgresql, rows, usage


class TestMonth:
    def test_it_knows_its_bounds_and_its_table(self):
        month = Month.of(datetime(2025, 12, 31, 23, 59, tzinfo=UTC))
        assert (month.begin, month.end) == (
            datetime(2025, 12, 1, tzinfo=UTC),
            datetime(2026, 1, 1, tzinfo=UTC),
        )
        assert month.table == "costs_costrecord_2025_12"
        assert month.begin in month
        assert month.end not in month

    def test_an_instant_of_another_zone_is_in_the_month_of_utc(self):
        assert str(Month.of(datetime.fromisoformat("2026-03-01T00:30:00+01:00"))) == "2026-02"

    @pytest.mark.parametrize(
        ("count", "month"), [(0, "2026-01"), (1, "2026-02"), (12, "2027-01"), (-1, "2025-12")]
    )
    def test_months_are_counted_over_years(self, count, month):
        assert str(Month.of(datetime(2026, 1, 31, tzinfo=UTC)).plus(count)) == month

    @pytest.mark.parametrize("table", [OTHER, TABLE, f"{TABLE}_2025", f"old_{TABLE}_2025_01"])
    def test_a_table_of_another_name_is_no_month(self, table):
        assert Month.named(table) is None
        assert Month.named(f"{TABLE}_2025_01") == Month(datetime(2025, 1, 1, tzinfo=UTC))

    def test_whole_months_are_kept_beside_the_one_that_runs(self):
        assert partitions.before(NOW, 0) == datetime(2026, 2, 1, tzinfo=UTC)
        assert partitions.before(NOW, 3) == datetime(2025, 11, 1, tzinfo=UTC)


@on_postgresql
@pytest.mark.django_db
class TestConvert:
    def test_every_row_and_figure_is_what_it_was(self):
        fill()
        before = rows(), figures()
        counts = partitions.convert(NOW, AHEAD)
        assert (rows(), figures()) == before
        assert sum(counts.values()) == len(before[0])
        assert [check for check in audit.check() if check.wrong] == []

    def test_each_month_with_records_and_those_to_come_have_a_partition(self):
        ledger.record_many([usage(NOW), usage(datetime(2025, 11, 30, 23, tzinfo=UTC))])
        counts = partitions.convert(NOW, AHEAD)
        assert names() == ["2025-11", "2026-02", "2026-03", "2026-04"]
        assert counts[f"{TABLE}_2025_11"] == counts[f"{TABLE}_2026_02"] == 1

    def test_what_lies_outside_of_every_month_is_kept_beside_them(self):
        fill()
        ledger.record_many([usage(datetime(2015, 1, 1, tzinfo=UTC))])
        assert partitions.convert(NOW, AHEAD)[OTHER] == 4
        for year in (1970, 2015, 2090, 9998):
            ledger.record_many([usage(datetime(year, 7, 1, tzinfo=UTC))])
        assert in_table(OTHER) == 8

    def test_indexes_and_rules_have_the_names_that_they_had(self):
        before = constraints()
        partitions.convert(NOW, AHEAD)
        after = constraints()
        lost = {name for name in before if before[name] != after.get(name)}
        # With the time, and in each partition: what PostgreSQL cannot keep over all of them.
        assert lost == {f"{TABLE}_pkey", "costs_record_idempotency_key"}
        assert after.keys() - before.keys() == set()
        assert f"costs_record_idempotency_key{OTHER.removeprefix(TABLE)}" in constraints(OTHER)

    @pytest.mark.parametrize("timestamp", [NOW, datetime(1980, 1, 1, tzinfo=UTC)])
    def test_a_partition_takes_no_key_twice(self, timestamp):
        partitions.convert(NOW, AHEAD)
        record = {"timestamp": timestamp, "user_id": "x", "cost_nano": 1, "source": "s"}
        CostRecord.objects.create(**record, source_id="1")
        with pytest.raises(IntegrityError), transaction.atomic():
            CostRecord.objects.create(**record, source_id="1")

    def test_new_records_count_on(self):
        fill()
        last = CostRecord.objects.latest("id").pk
        partitions.convert(NOW, AHEAD)
        ledger.record_many([usage(NOW)])
        assert CostRecord.objects.latest("id").pk == last + 1
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [TABLE])
            assert cursor.fetchone()[0] == f"public.{TABLE}_id_seq"

    def test_once_more_is_nothing(self):
        fill()
        partitions.convert(NOW, AHEAD)
        before = rows(), names()
        assert partitions.convert(NOW, AHEAD) == {}
        assert (rows(), names()) == before

    def test_a_copy_that_differs_is_refused(self):
        fill()
        before = rows()

        def lose(execute, sql, *args):
            answer = execute(sql, *args)
            if sql.startswith(f"CREATE TABLE {OTHER}"):
                execute(f"UPDATE {TABLE}_2026_02 SET cost_nano = cost_nano + 1", *args)
            return answer

        with connection.execute_wrapper(lose), pytest.raises(Differs, match="The copy differs"):
            partitions.convert(NOW, AHEAD)
        assert not partitions.is_partitioned()
        assert rows() == before


@on_postgresql
@pytest.mark.usefixtures("divided")
class TestDividedTable:
    def test_a_day_is_read_in_one_partition(self):
        start = datetime(2026, 2, 3, 5, 7, tzinfo=UTC)
        read = CostRecord.objects.between(start, start + timedelta(days=1))
        assert set(touched(read.explain())) == {f"{TABLE}_2026_02"}

    def test_a_key_of_a_row_finds_it_in_any_month(self):
        ledger.record_many([usage(NOW), usage(NOW + timedelta(days=30))])
        for record in CostRecord.objects.all():
            assert CostRecord.objects.get(pk=record.pk) == record

    def test_staff_see_the_records(self, client):
        ledger.record_many([usage(NOW), usage(datetime(1971, 1, 1, tzinfo=UTC))])
        client.force_login(User.objects.create_superuser("root"))
        assert "2 cost records" in client.get("/admin/costs/costrecord/").content.decode()
        page = f"/admin/costs/costrecord/{CostRecord.objects.first().pk}/change/"
        assert client.get(page).status_code == 200

    def test_a_later_migration_changes_every_partition(self):
        field = models.CharField(max_length=9, default="new")
        field.set_attributes_from_name("extra")
        index = models.Index(fields=["user_id", "model"], name="costs_record_extra")
        with connection.schema_editor() as editor:
            editor.add_field(CostRecord, field)
            editor.add_index(CostRecord, index)
            editor.remove_index(CostRecord, CostRecord._meta.indexes[0])
            editor.remove_constraint(CostRecord, CostRecord._meta.constraints[-1])
        list(partitions.extend(NOW, AHEAD + 1))
        for table in (f"{TABLE}_2026_02", f"{TABLE}_2026_05", OTHER):
            with connection.cursor() as cursor:
                columns = connection.introspection.get_table_description(cursor, table)
            assert columns[-1].name == "extra"
            found = [value["columns"] for value in constraints(table).values()]
            assert ["user_id", "model"] in found
            assert ["timestamp", "model", "requests", "cost_nano"] not in found

    def test_all_is_gone_after_a_truncate(self):
        ledger.record_many([usage(NOW)])
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLE}")
        assert not CostRecord.objects.exists()
        assert TABLE in connection.introspection.django_table_names(only_existing=True)

    @time_machine.travel(NOW, tick=False)
    def test_a_record_of_now_is_told_of_at_once(self):
        ledger.record_many([usage(None)])
        assert windows.spend(NOW, NOW + timedelta(hours=1)).requests == 1


def constraints(table=TABLE):
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    return {name: {**value, "definition": None} for name, value in found.items()}


def in_table(name):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {name}")
        return cursor.fetchone()[0]


def touched(plan):
    return [word for word in plan.split() if word.startswith(f"{TABLE}_") and word[-1].isdigit()]
