"""The calendar beside an independent reckoning: every minute of two years, in ten zones of odd habits."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy
import pytest

from rowcrew.model.calendar import BadRule, Rule

Numbers = numpy.ndarray[Any, Any]
MINUTE = timedelta(minutes=1)
DAY = 24 * 60
CREATED = datetime(2020, 1, 1, tzinfo=UTC)

# Each with two years in which its clock did what it is known for.
ZONES = {
    "Australia/Lord_Howe": 2026,  # half an hour
    "Europe/Dublin": 2026,  # winter is the exception
    "Africa/Casablanca": 2026,  # Ramadan is
    "Asia/Kathmandu": 2026,  # 5:45 ahead
    "America/Santiago": 2026,  # midnight is skipped
    "Africa/Cairo": 2026,  # midnight is skipped, and 23:00 comes twice
    "Pacific/Apia": 2011,  # there was no 30 December
    "America/New_York": 2026,
    "America/Sao_Paulo": 2017,  # midnight was skipped
    "UTC": 2026,
}

FIELDS = (range(60), range(24), range(1, 32), range(1, 13), range(7))

EXPRESSIONS = (
    "0 2 * * *",
    "30 1 * * *",
    "30 2 * * *",
    "15 0 * * *",
    "45 23 * * *",
    "0 0 * * *",
    "0,20,40 0-3 * * *",
    "*/15 1 * * *",
    "*/15 2 * * *",
    "* 0 * * *",
    "0 */2 * * *",
    "30 */3 * * *",
    "30 * * * *",
    "*/20 * * * 0,5",
    "10 0-23 * * *",
    "0 12 30 * *",
    "0 12 * * 5",
    "0 0 1 * 1",
    "0 2 * 3,4,9-12 0",
    "59 23 31 12 *",
)


class Clock(NamedTuple):
    """What the clock on the wall shows in each minute of UTC.

    Attributes:
        begin: the first of these minutes.
        days: the day that is shown, as an ordinal.
        times: the time of day that is shown, in minutes.
        again: whether the clock has shown this day and time before.
        skipped: days and times that it never showed, by the minute in which it had passed them.
    """

    begin: datetime
    days: Numbers
    times: Numbers
    again: Numbers
    skipped: dict[int, list[tuple[int, int]]]

    def at(self, place: int) -> datetime:
        return self.begin + place * MINUTE


@lru_cache(maxsize=1)
def clock(zone_name: str) -> Clock:
    """The clock of a zone, read in every minute of two years one after the other."""
    zone, year = ZoneInfo(zone_name), ZONES[zone_name]
    begin, end = (datetime(year + years, 1, 1, tzinfo=UTC) for years in (0, 2))
    seconds = range(int(begin.timestamp()) - 60, int(end.timestamp()), 60)
    shown = (datetime.fromtimestamp(second, zone) for second in seconds)
    walls = numpy.array([wall.toordinal() * DAY + wall.hour * 60 + wall.minute for wall in shown])
    furthest = numpy.maximum.accumulate(walls)[:-1]
    walls = walls[1:]
    skipped = {
        int(place): [divmod(missing, DAY) for missing in range(int(furthest[place]) + 1, int(walls[place]))]
        for place in numpy.flatnonzero(walls > furthest + 1)
    }
    return Clock(begin, walls // DAY, walls % DAY, walls <= furthest, skipped)


def numbers(field: str, allowed: range) -> set[int]:
    found = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        first, last = (allowed[0], allowed[-1]) if span == "*" else (int(low), int(high or low))
        found |= set(range(first, last + 1, int(step or 1)))
    return found


def reckoned(cron: str, zone: str) -> list[datetime]:
    """The ticks by looking at each minute: a skipped one counts at the end of its gap, a repeated one once.

    An expression for every hour of the day goes by what the clock shows, however often it does.
    """
    minutes, hours, days, months, weekdays = map(numbers, cron.split(), FIELDS)
    by_both = "*" in (cron.split()[2][0], cron.split()[4][0])
    read = clock(zone)

    def is_meant(ordinal: int) -> bool:
        day = date.fromordinal(ordinal)
        of_month, of_week = day.day in days, day.isoweekday() % 7 in weekdays
        return day.month in months and ((of_month and of_week) if by_both else (of_month or of_week))

    first = int(read.days.min()) - 2
    is_day = numpy.array([is_meant(ordinal) for ordinal in range(first, int(read.days.max()) + 1)])
    is_time = numpy.array([time // 60 in hours and time % 60 in minutes for time in range(DAY)])
    fires = is_day[read.days - first] & is_time[read.times]
    if len(hours) < 24:
        fires &= ~read.again
        for place, missing in read.skipped.items():
            fires[place] |= any(is_day[day - first] and is_time[time] for day, time in missing)
    return [read.at(int(place)) for place in numpy.flatnonzero(fires)]


def rule(cron: str, zone: str = "UTC", **given: datetime) -> Rule:
    return Rule(cron, None, zone, given.get("start_at"), given.get("end_at"), CREATED)


@pytest.mark.long
@pytest.mark.parametrize("zone", ZONES)
def test_the_calendar_agrees_with_a_clock_that_is_read_every_minute(zone: str) -> None:
    begin, end = (datetime(ZONES[zone] + years, 1, 1, tzinfo=UTC) for years in (0, 2))
    for cron in EXPRESSIONS:
        ticks = takewhile(lambda tick: tick < end, rule(cron, zone).ticks_after(begin - MINUTE))
        assert list(ticks) == reckoned(cron, zone), cron


@pytest.mark.parametrize("zone", ZONES)
def test_planning_from_any_moment_around_a_change_of_the_clock_names_the_same_ticks(zone: str) -> None:
    read = clock(zone)
    began_again = numpy.flatnonzero(read.again[1:] & ~read.again[:-1]) + 1
    changes = [read.at(int(place)) for place in (*began_again, *read.skipped)]
    for cron in ("30 1 * * *", "*/15 0-3 * * *", "45 23 * * *", "20 * * * *", "0 0 * * 5"):
        ticks = reckoned(cron, zone)
        for change in changes:
            for minutes in range(-150, 151, 7):
                moment = change + timedelta(minutes=minutes, seconds=13, microseconds=5)
                following = ticks[bisect_right(ticks, moment)]
                assert next(rule(cron, zone).ticks_after(moment)) == following, (cron, moment)


@pytest.mark.parametrize(
    ("cron", "day", "tick"),
    [
        ("0 2 * * *", "2027-03-14", "07:00"),  # = 03:00 EDT
        ("30 2 * * *", "2027-03-14", "07:00"),
        ("0 2 * * *", "2027-11-07", "07:00"),
        ("30 1 * * *", "2027-11-07", "05:30"),
    ],
)
def test_a_night_of_new_york_in_which_the_clock_changes(cron: str, day: str, tick: str) -> None:
    midnight = datetime.fromisoformat(f"{day}T04:00+00:00")
    until = midnight + timedelta(days=1)
    fired = takewhile(lambda at: at < until, rule(cron, "America/New_York").ticks_after(midnight))
    assert [at.isoformat() for at in fired] == [f"{day}T{tick}:00+00:00"]


def test_a_name_stands_for_its_expression() -> None:
    moment = datetime(2027, 5, 5, 5, 5, tzinfo=UTC)
    for name, cron in (("@hourly", "0 * * * *"), ("@Daily", "0 0 * * *"), ("@weekly", "0 0 * * 0")):
        assert list(islice(rule(name).ticks_after(moment), 9)) == list(
            islice(rule(cron).ticks_after(moment), 9)
        )


def test_steps_are_counted_from_the_start_and_go_on_from_there_after_any_pause() -> None:
    start = datetime(2027, 1, 1, 0, 0, 30, tzinfo=UTC)
    steps = Rule(None, 5400, "Europe/Dublin", start, None, CREATED)
    assert list(islice(steps.ticks_after(CREATED), 2)) == [start, start + timedelta(minutes=90)]
    late = start + timedelta(days=100, seconds=1)
    assert next(steps.ticks_after(late)) == start + 1601 * timedelta(minutes=90)


def test_steps_without_a_start_begin_one_step_after_the_row_was_made() -> None:
    steps = Rule(None, 60, "UTC", None, None, CREATED.replace(microsecond=17))
    assert next(steps.ticks_after(CREATED - timedelta(days=1))) == CREATED + MINUTE


def test_the_first_and_last_moment_may_be_ticks() -> None:
    day = datetime(2027, 1, 1, 2, tzinfo=UTC)
    bounded = rule("0 2 * * *", start_at=day, end_at=day + timedelta(days=1))
    assert list(bounded.ticks_after(CREATED)) == [day, day + timedelta(days=1)]


BAD = (
    *("", "* * * *", "* * * * * *", "0 2 * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *"),
    *("* * * * 8", "5-1 * * * *", "*/0 * * * *", "H * * * *", "0 0 ? * *", "1.5 * * * *", "-1 * * * *"),
    *(
        "1,, * * * *",
        "a b c d e",
        "\uff11 * * * *",
        "0 0 * * ²L",
        "0 0 31 2 *",
        "0 0 31 4,6 *",
        "@reboot",
        "@",
    ),
    *("* * * * 7L/2", "* * * * MON#6", "0 0 LW-3 * *", "\0 * * * *", "9" * 190 + " * * * *"),
)


@pytest.mark.parametrize("cron", BAD)
def test_a_bad_expression_is_refused_in_words(cron: str) -> None:
    with pytest.raises(BadRule, match="cron"):
        next(rule(cron).ticks_after(CREATED))


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "Nowhere",
        "America",
        "europe/berlin2",
        "../x",
        "/etc/passwd",
        "localtime",
        "right/UTC",
        "UTC\0",
        "+02",
    ],
)
def test_a_bad_zone_is_refused_in_words(zone: str) -> None:
    with pytest.raises(BadRule, match="is not known; give an IANA name"):
        next(rule("0 2 * * *", zone).ticks_after(CREATED))
