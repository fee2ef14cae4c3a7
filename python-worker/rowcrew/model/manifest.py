"""What a crew can run, in the form a runner tells it to control and control publishes it in `job_types`."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from rowcrew.model.backoff import Backoff

Executor = Literal["async", "thread", "process"]

HANDLED_TYPE: Final = "rowcrew_type"
"""The attribute of a handler that has the name of its type; None, if it handles several."""


class DeclaredSchedule(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """When a type has jobs by the clock, as its handler declares: one of `cron` and `every_seconds`."""

    cron: str | None = None
    every_seconds: int | None = None
    timezone: str = "UTC"


class TypeManifest(msgspec.Struct, frozen=True, kw_only=True):
    """One type. `queue`, `priority`, `max_attempts` are for jobs without; None = the column's default.

    Attributes:
        executor: `async` on the runner's event loop, `thread` in one of its threads, `process` in its own.
        timeout_seconds: limit of one run, if the row has none of its own.
        keep_result_seconds: how long results are kept, if not as long as their rows or as the queue says.
        payload_schema: JSON Schema (2020-12) of the payload, as JSON text.
    """

    name: str
    executor: Executor
    queue: str | None = None
    priority: int | None = None
    max_attempts: int | None = None
    timeout_seconds: float | None = None
    keep_result_seconds: float | None = None
    backoff: Backoff = Backoff()
    description: str = ""
    payload_schema: bytes = b"{}"
    schedule: DeclaredSchedule | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All types of a crew.

    Attributes:
        shutdown_seconds: how long its shutdown hooks may take, one after the other.
    """

    types: tuple[TypeManifest, ...]
    shutdown_seconds: float = 0.0
