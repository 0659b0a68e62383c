"""Days as providers count them: from midnight to midnight Pacific time, 23 or 25 hours long twice a year."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_PACIFIC = ZoneInfo("America/Los_Angeles")


def quota_day(moment: datetime) -> date:
    """The day that a moment (with a time zone) belongs to."""
    return moment.astimezone(_PACIFIC).date()


def next_reset(moment: datetime) -> datetime:
    """The next midnight Pacific time after a moment (with a time zone), which is when quotas begin anew."""
    # Daylight saving changes at two in the morning, so there is exactly one midnight a day.
    return datetime.combine(quota_day(moment) + timedelta(days=1), time(), _PACIFIC)


def seconds_to_reset(moment: datetime) -> float:
    """Seconds from a moment (with a time zone) until `next_reset`."""
    # Differences of times in one zone ignore its changes to daylight saving; time stamps do not.
    return next_reset(moment).timestamp() - moment.timestamp()
