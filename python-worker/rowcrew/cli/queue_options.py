"""What may be set for a queue, as options: text from the command line in, values by column out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

from cyclopts import Parameter

from rowcrew.cli import UsageError
from rowcrew.model import queue_columns
from rowcrew.settings import readers

ForSeconds = Annotated[
    str | None,
    Parameter(name="--for", help="Only for so many seconds; then the former limits hold again."),
]

MayBeNew = Annotated[bool, Parameter(name="--new", help="Also a queue that nobody has named yet.")]

# The columns that are not called as their options are.
_COLUMNS: Final[Mapping[str, str]] = {
    "rate_period": "ratePeriodSeconds",
    "timeout": "timeoutSeconds",
    "keep_completed": "keepCompletedSeconds",
    "keep_result": "keepResultSeconds",
    "keep_failed": "keepFailedSeconds",
    "rescue_foreign": "rescueForeignSeconds",
    "max_runtime": "maxRuntimeSeconds",
    "cooldown": "cooldownSeconds",
    "idle_timeout": "idleTimeoutSeconds",
    "check_interval": "checkIntervalSeconds",
    "target_wait": "targetWaitSeconds",
    "cpu": "cpuPercent",
    "memory": "memoryBytes",
}


def _option(help: str) -> Parameter:
    return Parameter(help=help)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is typed after `queues set NAME`; None = not given, it stays."""

    label: Annotated[str | None, _option("How people call it.")] = None
    max_concurrent: Annotated[
        str | None, _option("How many of its jobs may run at once; 0 = none starts.")
    ] = None
    max_concurrent_per_key: Annotated[
        str | None, _option('The same for the jobs of each "concurrencyKey".')
    ] = None
    rate_limit: Annotated[str | None, _option("How many may start in a period.")] = None
    rate_limit_per_key: Annotated[str | None, _option('The same for the jobs of each "concurrencyKey".')] = (
        None
    )
    rate_period: Annotated[str | None, _option("Seconds of the period of both rates; 1 if not set.")] = None
    seconds: ForSeconds = None
    timeout: Annotated[str | None, _option("Seconds that a run may take.")] = None
    keep_completed: Annotated[str | None, _option("Seconds that completed jobs stay.")] = None
    keep_failed: Annotated[str | None, _option("Seconds that failed and cancelled jobs stay.")] = None
    keep_completed_count: Annotated[str | None, _option("How many completed jobs stay.")] = None
    keep_result: Annotated[str | None, _option("Seconds that their results stay.")] = None
    rescue_foreign: Annotated[
        str | None,
        _option("Seconds after which a job is given back that another program left in processing."),
    ] = None
    max_runtime: Annotated[
        str | None, _option("Seconds that a worker may live which a spawner starts for it.")
    ] = None
    cooldown: Annotated[str | None, _option("Seconds between two rounds of starting such workers.")] = None
    max_jobs_per_session: Annotated[str | None, _option("How many jobs such a worker runs at most.")] = None
    idle_timeout: Annotated[str | None, _option("Idle seconds after which such a worker leaves.")] = None
    check_interval: Annotated[
        str | None, _option("Seconds between two looks of a spawner at this queue.")
    ] = None
    target_wait: Annotated[
        str | None, _option("Seconds that jobs may wait before a spawner starts further workers.")
    ] = None
    launcher: Annotated[str | None, _option("Where a spawner starts its workers, such as process.")] = None
    launch_command: Annotated[
        str | None, _option("By which of LAUNCH_COMMANDS the launcher `command` starts them.")
    ] = None
    cpu: Annotated[str | None, _option("Percent of a core that such a worker gets elsewhere.")] = None
    memory: Annotated[str | None, _option("Bytes of memory that such a worker gets elsewhere.")] = None

    def columns(self) -> dict[str, Any]:
        """The values by column.

        Raises:
            UsageError: names every option whose value no column takes; or nothing is given.
        """
        values: dict[str, Any] = {}
        complaints = []
        for field in fields(self):
            text = getattr(self, field.name)
            if text is None or field.name == "seconds":
                continue
            column = _COLUMNS.get(field.name) or _camel(field.name)
            read = queue_columns.text if column in queue_columns.TEXTS else queue_columns.number
            try:
                values[column] = read(column, text)
            except ValueError as error:
                complaints.append(f"--{field.name.replace('_', '-')} {text!r}: {error}")
        if complaints:
            raise UsageError("; ".join(complaints))
        if not values:
            raise UsageError("name what to set, such as --max-concurrent 3; see `rowcrew queues set --help`")
        return values


NOTHING: Final = Wanted()


def queue_name(text: str) -> str:
    """The name of a queue.

    Raises:
        UsageError: no queue can be called this.
    """
    try:
        return readers.queue(text)
    except ValueError as error:
        raise UsageError(f"{text!r}: {error}") from error


def duration_given(text: str | None) -> int | None:
    """The value of --for, in seconds.

    Raises:
        UsageError: it is no such number.
    """
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) < 2**31:
        raise UsageError(f"--for {text!r}: give a whole number of seconds, such as 7200")
    return int(text)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
