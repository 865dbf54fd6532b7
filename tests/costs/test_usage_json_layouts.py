import json
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from costs import windows
from costs.models import CostRecord
from costs.usage_json import Options, import_file
from costs.windows import EPOCH, FOREVER
from tests.costs.botfile import record, user


def lifetime(user_id):
    return windows.spend(EPOCH, FOREVER, user_id=user_id)


def options(**fields):
    return Options(**{"backup": False, **fields})


@pytest.mark.django_db
class TestLayouts:
    def test_v0_without_weekly_and_session_fields(self, write):
        plain = {key: user()[key] for key in ("total_requests", "total_cost", "records", "limits")}
        import_file(write({"111": plain}), options())
        assert lifetime("111").requests == 3

    def test_unknown_fields_are_passed_over_and_named(self, write):
        records = [record(0, mood="good", nested={"a": [1, {"b": 2}]})]
        report = import_file(write({"222": user(records, colour=[1, 2])}), options())
        assert set(report.notes) == {
            "unknown field 'mood': passed over",
            "unknown field 'nested': passed over",
            "unknown field 'colour': passed over",
        }

    def test_null_and_missing_optional_fields(self, write):
        records = [record(0, model=None, request_type=None), record(1)]
        del records[1]["model"], records[1]["request_type"]
        import_file(write({"222": user(records, last_warning=None, last_reset=None)}), options())
        assert set(CostRecord.objects.values_list("model", "request_type")) == {("", "chat")}

    def test_an_unknown_model_keeps_the_cost_of_the_file(self, write):
        import_file(write({"222": user([record(model="claude-nine")])}), options())
        kept = CostRecord.objects.get()
        assert (kept.model, kept.cost, kept.priced_by) == ("claude-nine", Decimal("0.0012"), "file")

    @pytest.mark.parametrize("records", [[], None])
    def test_no_records_but_lifetime_totals(self, write, records):
        stated = user([], total_requests=7, total_cost=1.5)
        stated["records"] = records
        import_file(write({"222": stated}), options())
        kept = CostRecord.objects.get()
        assert (kept.requests, kept.cost) == (7, Decimal("1.5"))
        assert kept.timestamp == datetime(2025, 10, 16, 15, 15, 0, 123456, tzinfo=UTC)

    def test_no_users_at_all(self, write):
        assert import_file(write("{}"), options()).proven

    def test_the_order_of_the_fields_does_not_matter(self, write):
        import_file(write({"222": dict(reversed(user().items()))}), options())
        assert lifetime("222").requests == 3

    def test_a_user_id_may_be_an_e_mail(self, write):
        import_file(write({"ann@example.org": user(user_id="ann@example.org")}), options())
        assert lifetime("ann@example.org").requests == 3

    def test_a_byte_order_mark_is_passed_over_and_reported(self, write):
        path = write(b"\xef\xbb\xbf" + json.dumps({"222": user()}).encode())
        report = import_file(path, options())
        assert "byte order mark at the beginning: passed over" in report.notes
        assert lifetime("222").requests == 3


def times(*texts):
    return {"222": user([record(number, timestamp=text) for number, text in enumerate(texts)])}


@pytest.mark.django_db
class TestTimes:
    def stored(self):
        return list(CostRecord.objects.order_by("id").values_list("timestamp", flat=True))

    def test_naive_times_are_of_the_named_zone(self, write):
        path = write(times("2025-07-01T12:00:00", "2025-12-01T12:00:00.5"))
        import_file(path, options(zone=ZoneInfo("Europe/Berlin")))
        assert self.stored() == [
            datetime(2025, 7, 1, 10, tzinfo=UTC),
            datetime(2025, 12, 1, 11, 0, 0, 500_000, tzinfo=UTC),
        ]

    def test_by_default_they_are_of_the_configured_zone(self, write, settings):
        settings.TIME_ZONE = "Asia/Kathmandu"
        import_file(write(times("2025-07-01T12:00:00")), options())
        assert self.stored() == [datetime(2025, 7, 1, 6, 15, tzinfo=UTC)]

    def test_an_offset_is_taken_as_it_is_and_reported(self, write):
        report = import_file(
            write(times("2025-07-01T12:00:00+02:00", "2025-07-01T12:00:00Z")), options()
        )
        assert self.stored() == [
            datetime(2025, 7, 1, 10, tzinfo=UTC),
            datetime(2025, 7, 1, 12, tzinfo=UTC),
        ]
        assert report.notes == {"times with an offset of their own: taken as they are": 2}

    def test_the_repeated_hour_is_resolved_by_order_and_reported(self, write):
        texts = [f"2025-10-26T02:{minute}:00" for minute in ("10", "50", "20", "55")]
        report = import_file(write(times(*texts)), options(zone=ZoneInfo("Europe/Berlin")))
        assert [f"{time:%H:%M}" for time in self.stored()] == ["00:10", "00:50", "01:20", "01:55"]
        assert report.notes["times in an hour that the zone repeats: resolved by their order"] == 4

    def test_the_skipped_hour_is_moved_and_reported(self, write):
        path = write(times("2025-03-30T02:30:00"))
        report = import_file(path, options(zone=ZoneInfo("Europe/Berlin")))
        assert self.stored() == [datetime(2025, 3, 30, 1, 30, tzinfo=UTC)]
        assert report.notes == {"times in an hour that the zone skips: moved by its change": 1}
