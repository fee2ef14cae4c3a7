"""What a schedule may be given on the command line, as options of `rowcrew schedules add` and `edit`.

In: text. Out: columns of `schedules`, or a complaint that names the option. Called by `schedules`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from cyclopts import Parameter

from rowcrew.cli import UsageError
from rowcrew.cli.job_options import seconds
from rowcrew.model.errors import InvalidJob
from rowcrew.model.new_job import NewJob
from rowcrew.model.priority import priority_value


@Parameter(name="*")
@dataclass(frozen=True)
class Columns:
    """What a schedule may be given beside its name, type and payload; None = not given."""

    cron: Annotated[str | None, Parameter(help="Five fields, or @daily and the like.")] = None
    every: Annotated[str | None, Parameter(help="Instead of cron: 90, 90s, 5m, 2h.")] = None
    timezone: Annotated[str | None, Parameter(help="IANA name of cron's zone; UTC if not given.")] = None
    start_at: Annotated[datetime | None, Parameter(help="No tick before, with a time zone.")] = None
    end_at: Annotated[datetime | None, Parameter(help="No tick after, with a time zone.")] = None
    queue: Annotated[str | None, Parameter(help="The line its jobs wait in.")] = None
    priority: Annotated[
        str | None, Parameter(allow_leading_hyphen=True, help="urgent, high, normal, low or a number.")
    ] = None
    max_attempts: Annotated[int | None, Parameter(help="Runs allowed of each job.")] = None
    jitter: Annotated[str | None, Parameter(help="Jobs start at random within this: 30s, 5m.")] = None
    missed: Annotated[
        Literal["skip", "once", "all"] | None, Parameter(help="Which ticks to make up for.")
    ] = None
    overlap: Annotated[
        Literal["allow", "skip", "queueOne", "cancelOld"] | None,
        Parameter(help="When the last job still lives."),
    ] = None
    pause_after_failures: Annotated[int | None, Parameter(help="Pause after so many in a row.")] = None

    def given(self) -> dict[str, Any]:
        """The columns of the table that were given.

        Raises:
            UsageError: names the option that cannot be.
        """
        every, jitter = _whole("--every", self.every), _whole("--jitter", self.jitter)
        found = {
            "cron": self.cron,
            "everySeconds": every,
            "timezone": self.timezone,
            "startAt": moment("--start-at", self.start_at),
            "endAt": moment("--end-at", self.end_at),
            "queue": self.queue,
            "priority": _priority(self.priority),
            "maxAttempts": self.max_attempts,
            "jitterSeconds": jitter,
            "missed": self.missed,
            "overlap": self.overlap,
            "pauseAfterFailures": self.pause_after_failures,
        }
        if self.cron is not None and every is not None:
            raise UsageError("--cron and --every exclude each other; give one of them")
        return {name: value for name, value in found.items() if value is not None}


NO_COLUMNS: Final = Columns()


def _whole(option: str, text: str | None) -> int | None:
    value = seconds(option, text)
    if value is not None and value != int(value):
        raise UsageError(f"{option} {text!r}: give whole seconds")
    return None if value is None else int(value)


def moment(option: str, value: datetime | None) -> datetime | None:
    if value is not None and value.utcoffset() is None:
        raise UsageError(f"{option} {value.isoformat()} has no time zone; append one, such as +00:00")
    return value


def _priority(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return priority_value(int(text) if text.lstrip("-").isdecimal() else text)
    except InvalidJob as error:
        raise UsageError(f"--priority: {error.problem}") from error


def payload_object(type: str, text: str) -> Any:
    try:
        return NewJob(type, msgspec.json.decode(text.encode("utf-8", "surrogateescape"))).payload
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the payload is not JSON: {error}") from error
