"""Days begin at midnight Pacific time, whatever daylight saving does."""

from datetime import UTC, date, datetime, timedelta

import pytest

from core.quota_days import next_reset, quota_day, seconds_to_reset


@pytest.mark.parametrize(
    ("moment", "day", "reset"),
    [
        # Winter: eight hours behind.
        ("2026-01-15T07:59:59", date(2026, 1, 14), "2026-01-15T08:00:00"),
        ("2026-01-15T08:00:00", date(2026, 1, 15), "2026-01-16T08:00:00"),
        # Summer: seven hours behind.
        ("2026-07-15T06:59:59", date(2026, 7, 14), "2026-07-15T07:00:00"),
        ("2026-07-15T07:00:00", date(2026, 7, 15), "2026-07-16T07:00:00"),
        # The clocks go forward on March 8 and back on November 1, at two in the morning.
        ("2026-03-08T08:00:00", date(2026, 3, 8), "2026-03-09T07:00:00"),
        ("2026-11-01T07:00:00", date(2026, 11, 1), "2026-11-02T08:00:00"),
    ],
)
def test_a_day_ends_at_midnight_pacific(moment: str, day: date, reset: str) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert quota_day(at) == day
    assert next_reset(at) == datetime.fromisoformat(reset).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begin", "hours"), [("2026-03-08T08:00", 23), ("2026-11-01T07:00", 25), ("2026-05-04T07:00", 24)]
)
def test_days_of_daylight_saving_are_shorter_and_longer(begin: str, hours: int) -> None:
    at = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    assert seconds_to_reset(at) == hours * 3600
    assert seconds_to_reset(at + timedelta(hours=4)) == (hours - 4) * 3600
    assert quota_day(at + timedelta(hours=hours, seconds=-1)) == quota_day(at)
    assert quota_day(at + timedelta(hours=hours)) == quota_day(at) + timedelta(days=1)
