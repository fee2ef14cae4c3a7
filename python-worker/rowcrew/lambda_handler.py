"""A worker, or one check of a spawner, as an invocation of a function of AWS Lambda.

In: the event and the context that Lambda's runtime gives. Out: what was done, as the function's answer. A
function's configuration names `rowcrew.lambda_handler.worker` or `rowcrew.lambda_handler.spawner`.

An invocation has a worker from its start to its stop: Lambda freezes what an invocation leaves, and a
connection or a runner that thaws an hour later is a dead one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from rowcrew import family, settings
from rowcrew.control.worker import Worker
from rowcrew.log import Log
from rowcrew.model.errors import LaunchGivenUp, SettingsError
from rowcrew.model.job import Job
from rowcrew.settings import Settings
from rowcrew.spawn.launchers.lambda_ import Invocation

MARGIN_SECONDS: Final = 10.0
"""After the grace of its last job: to end a handler that does not obey, for the last writes, to leave."""
_ENDS: Final = ("completed", "retried", "failed", "cancelled", "snoozed", "released", "lost")


class Context(Protocol):
    """What Lambda tells of an invocation."""

    function_name: str
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


def worker(event: object, context: Context) -> dict[str, Any]:
    """Run an ephemeral worker for as long as this invocation lasts, less SHUTDOWN_GRACE and ten seconds.

    An event of the launcher `lambda` says whose worker it is. Any other one, a message of SQS or a tick of
    EventBridge, is a reason to start and nothing else.

    Returns:
        whyStopped, taken, completed, failed, and how many runs ended otherwise.

    Raises:
        SettingsError: a setting is wrong, or the function's timeout leaves no time for a job.
        RowcrewError: the worker could not start, or broke.
    """
    values = _settings(_invocation(event), context)
    grace = values.shutdown_grace_seconds
    seconds = context.get_remaining_time_in_millis() / 1000 - grace - MARGIN_SECONDS
    if seconds <= 0:
        needed = f"{grace + MARGIN_SECONDS:g} seconds, {MARGIN_SECONDS:g} beyond SHUTDOWN_GRACE"
        raise SettingsError(
            [f"the function's timeout leaves no time for jobs: give it more than {needed}, or lower that"]
        )
    return asyncio.run(_work(values, seconds))


def spawner(_event: object, context: Context) -> dict[str, int]:
    """Check all queues once and start the workers that are wanted: here, where a row names no other place.

    Returns:
        started, and failed: wanted and not started. Their reasons are in the log and in their rows.
    """
    from rowcrew.spawn.main import check_once
    from rowcrew.spawn.spawner import Wishes

    values = settings.read()
    seconds = min(values.connect_timeout_seconds, context.get_remaining_time_in_millis() / 1000 / 2)
    values = msgspec.structs.replace(values, connect_timeout_seconds=seconds)
    wishes = Wishes(in_place_of_process="lambda")
    checked = asyncio.run(check_once(values, wishes, Log(values.log_format)))
    return {"started": checked.started, "failed": checked.failed}


def _invocation(event: object) -> Invocation | None:
    """What the launcher asks for; None = somebody else's event."""
    if isinstance(event, Mapping) and "bootId" in event:
        return msgspec.convert(event, Invocation)
    return None


def _settings(invocation: Invocation | None, context: Context) -> Settings:
    own = [one.complaint for one in settings.given() if one.complaint]
    if complaints := [*own, *family.complaints(missing=True)]:
        raise SettingsError(complaints)
    if invocation is None:
        name = f"{context.function_name}-{context.aws_request_id[:8]}"
        return settings.read(ephemeral=True, worker_name=name)
    return settings.read(
        ephemeral=True,
        worker_name=invocation.name,
        boot_id=invocation.boot_id,
        queues=(invocation.queue,),
        concurrency=invocation.slots,
    )


async def _work(values: Settings, seconds: float) -> dict[str, Any]:
    values = msgspec.structs.replace(
        values, connect_timeout_seconds=min(values.connect_timeout_seconds, seconds)
    )
    log = _CountingLog(values.log_format, worker=values.worker_name)
    one = Worker(family.crews(values.modules), values, log, leaves_after_seconds=seconds)
    try:
        await one.start()
    except LaunchGivenUp as error:
        # Lambda hands out an event more than once, and this worker has been here, or came too late.
        log.event("worker.failed_to_start", reason=str(error))
        return {"whyStopped": None, "taken": 0, "completed": 0, "failed": 0}
    await one.stopped()
    if one.failure.done() and (broken := one.failure.result()) is not None:
        raise broken
    return {"whyStopped": one.why_stopped, "taken": one.taken, "completed": 0, "failed": 0, **log.ends}


class _CountingLog(Log):
    """A log that counts the ends of runs that it tells.

    Attributes:
        ends: how many runs ended how.
    """

    def __init__(self, format: str, **facts: Any) -> None:
        super().__init__(format, **facts)
        self.ends: Counter[str] = Counter()

    def event(self, name: str, /, **facts: Any) -> None:
        super().event(name, **facts)
        if name.startswith("job.") and (end := name.removeprefix("job.")) in _ENDS:
            self.ends[end] += 1

    def completed(self, runs: Sequence[tuple[Job, float | None]]) -> None:
        super().completed(runs)
        self.ends["completed"] += len(runs)
