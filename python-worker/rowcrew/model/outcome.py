"""How a run ended, as one value.

A runner turns everything a handler can do into one of these and sends it to control; control makes `Lost` and
`Released` itself. `verdict` decides what is written for each.
"""

from __future__ import annotations

from typing import Final

import msgspec

LARGEST_JSON_BYTES: Final = 1_000_000
"""How large each of the values may be that a run leaves in its row: result, progress, checkpoint."""


class Completed(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="completed"):
    """The handler returned. `result` is JSON text; `children` the JSON array of jobs to enqueue with it.

    `events` is the JSON array of events to write with it.
    """

    result: bytes | None = None
    children: bytes | None = None
    events: bytes | None = None


class Recorded(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="recorded"):
    """The handler's own transaction already wrote the completion; nothing is left to record.

    `tells` when others wait for this job.
    """

    tells: bool = False


class Errored(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="errored"):
    """The handler raised, or the run broke off in a way that is its own fault.

    `permanent` ends the job whatever attempts are left. `after_seconds` replaces the backoff.
    """

    error: str
    traceback: str | None = None
    permanent: bool = False
    after_seconds: float | None = None
    memory_bytes: int | None = None


class Snoozed(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="snoozed"):
    """Not now, and not the handler's fault: again after `delay_seconds`, the attempt does not count."""

    delay_seconds: float


class Parked(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="parked"):
    """Again when other jobs have ended, the attempt does not count.

    `children` is the JSON array of jobs to enqueue and wait for; `ids` are of jobs that are there already.
    """

    children: bytes
    ids: list[int]


class Cancelled(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="cancelled"):
    """The handler ended the job for good, on purpose."""

    reason: str


class Lost(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="lost"):
    """The runner died. `blamed` tells whether this job alone can have been the cause."""

    error: str
    blamed: bool
    memory_bytes: int | None = None


class Released(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="released"):
    """Given back: never started, or stopped for a reason outside the job. The attempt does not count."""

    reason: str


Outcome = Completed | Recorded | Errored | Snoozed | Parked | Cancelled | Lost | Released
