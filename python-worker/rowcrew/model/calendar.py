"""When a schedule is due: a rule and a moment in, the following ticks out.

`cronsim` finds the local times of an expression, `zoneinfo` says what they are in UTC. This module is
imported when there is a schedule and not before: a worker without one pays for neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from rowcrew.model.errors import RowcrewError

_NAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS: Final = "minute hour day month weekday, such as '30 2 * * 1-5'"
# Zones of this machine, or with leap seconds: another worker's clock would not agree.
_NO_ZONES: Final = ("localtime", "posixrules", "Factory", "right/", "posix/")
_EVERY_HOUR: Final = set(range(24))
_JUST_BEFORE: Final = timedelta(microseconds=1)


class _Calendar(CronSim):
    """cronsim without its jump to a single minute: on Lord Howe an hour can show that minute twice."""

    def advance_minute(self) -> bool:
        if self.dt.minute in self.minutes:
            return False
        self.dt = self.dt.replace(second=0)
        while self.dt.minute not in self.minutes:
            self.tick(seconds=60)
            if self.dt.minute == 0:
                break
        return True


class BadRule(RowcrewError):
    """A rule that no calendar can follow."""


class Rule(NamedTuple):
    """When a schedule has ticks: by a cron expression in a zone, or every so many seconds.

    Attributes:
        cron: five fields, or a name as @daily.
        every_seconds: counted from `start_at`, or from `created_at`.
        start_at, end_at: the first and the last moment that may be a tick.
    """

    cron: str | None
    every_seconds: int | None
    timezone: str
    start_at: datetime | None
    end_at: datetime | None
    created_at: datetime

    def ticks_after(self, moment: datetime) -> Iterator[datetime]:
        """The ticks later than a moment, in UTC, in order.

        A cron expression that names hours means local times: one that the clock skips is due at the first
        moment after the gap, one that comes twice the first time. An expression for every hour follows the
        time that passes.

        Raises:
            BadRule: the expression or the zone is not valid, or the expression never comes to pass.
        """
        if self.start_at is not None:
            moment = max(moment, self.start_at - _JUST_BEFORE)
        ticks = self._local(moment) if self.every_seconds is None else self._steps(moment)
        for tick in ticks:
            if self.end_at is not None and tick > self.end_at:
                return
            yield tick

    def _steps(self, moment: datetime) -> Iterator[datetime]:
        assert self.every_seconds is not None
        step = timedelta(seconds=self.every_seconds)
        begin, number = (self.start_at, 0) if self.start_at else (self.created_at.replace(microsecond=0), 1)
        number = max(number, (moment - begin) // step + 1)
        while True:
            yield (begin + number * step).astimezone(UTC)
            number += 1

    def _local(self, moment: datetime) -> Iterator[datetime]:
        expression, local_zone = _expression(self.cron or ""), zone(self.timezone)
        calendar = _Calendar(expression, moment.astimezone(local_zone))
        try:
            for tick in calendar:
                in_utc = tick.astimezone(UTC)
                shown = in_utc.astimezone(local_zone)
                # In an hour that comes twice cronsim names the first, which may have passed; and it names the
                # midnight of a day that its zone skipped as a whole.
                if in_utc > moment and (shown.date() == tick.date() or calendar.match_day(shown)):
                    yield in_utc
        except OverflowError:  # the end of all calendars
            return


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name.

    Raises:
        BadRule: this machine knows no such zone.
    """
    try:
        found = None if name.startswith(_NO_ZONES) else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        found = None
    if found is None:
        raise BadRule(f"timezone {name!r} is not known; give an IANA name, such as Europe/Berlin")
    return found


@lru_cache(maxsize=256)
def _expression(cron: str) -> str:
    """The expression as cronsim must read it: its rule for skipped and repeated times goes by the first `*`.

    Raises:
        BadRule: it is not valid.
    """
    fields = _NAMES.get(cron.strip().lower(), cron).split()
    if len(fields) != 5:
        raise BadRule(f"cron {cron!r} must have five fields: {_FIELDS}")
    try:
        read = CronSim(" ".join(fields), datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise BadRule(f"cron {cron!r}: {str(error).lower()}; the fields are {_FIELDS}") from error
    if next(read, None) is None:
        raise BadRule(f"cron {cron!r} never comes to pass")
    minute, hour, *days = fields
    if read.hours == _EVERY_HOUR:
        return " ".join([minute, "*", *days])
    spelt = [minute.replace("*", "0-59"), hour.replace("*", "0-23")]
    return " ".join([*spelt, *days])
