"""What a spawner asks of the table: a function for each statement in `sql/spawn/`, by its name.

In: a link and plain values. Out: rows with names. `lock_queue`, `standings` and `spawn_worker` belong into
one transaction, in this order. Called by `rowcrew.spawn`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rowcrew.table.link import Link
from rowcrew.table.statements import SQL


class QueueStanding(NamedTuple):
    """How a queue stands; the meaning of each number is in `spawn/decision.py`, what is set is its row's.

    Attributes:
        label: how people call it.
        launcher, launch_command: where its workers are started, and by which command.
        live: what `get_active_worker_count` says.
        everywhere: workers of all queues, those on their way included.
    """

    queue: str
    label: str | None
    launcher: str
    launch_command: str | None
    ready: int
    startable: int | None
    processing: int
    stranded: int
    oldest_wait_seconds: float
    mean_run_seconds: float | None
    live: int
    max_concurrent: int | None
    target_wait_seconds: int | None
    paused: bool
    cooldown_left_seconds: float
    failures: int
    since_failure_seconds: float
    max_runtime_seconds: int | None
    check_interval_seconds: int | None
    cpu_percent: int | None
    memory_bytes: int | None
    everywhere: int


class Entered(NamedTuple):
    """The row of a worker that is to be started."""

    id: int
    boot_id: str
    name: str


class GivenUp(NamedTuple):
    """A worker that was launched and never came; `handle` is None where the launch itself was lost."""

    id: int
    name: str
    queue: str
    error_message: str
    launcher: str
    handle: str | None


class WorkerElsewhere(NamedTuple):
    """A worker in another place that is late: to come, or to go by `over_seconds` (None: it may stay)."""

    id: int
    name: str
    queue: str
    launcher: str
    handle: str
    registered: bool
    over_seconds: float | None


class OverTime(NamedTuple):
    """A worker that should be gone, and since when."""

    handle: str
    name: str
    over_seconds: float


class OpenRow(NamedTuple):
    """A worker that has not left in good order, as far as its row knows."""

    id: int
    beats: int
    registered: bool


async def standings(link: Link, *, queues: Sequence[str] | None = None) -> list[QueueStanding]:
    """In the order in which the queues were made; None = all that have a row, jobs or workers."""
    parameters = {"queues": None if queues is None else list(queues)}
    return [QueueStanding(*row) for row in await link.fetch(SQL["spawn/standings"], parameters)]


async def lock_queue(link: Link, *, queue: str) -> bool:
    """Whether this transaction decides for the queue."""
    return bool(await link.fetch(SQL["spawn/lock_queue"], {"queue": queue}))


async def spawn_worker(
    link: Link, *, queue: str, number: int, prefix: str, slots: int, launcher: str
) -> list[Entered]:
    """The rows of so many workers, called `prefix_<epoch>`, and from the second on `_2`, `_3`, …"""
    parameters = {"queue": queue, "number": number, "prefix": prefix, "slots": slots, "launcher": launcher}
    return [Entered(*row) for row in await link.fetch(SQL["spawn/spawn_worker"], parameters)]


async def note_launch(link: Link, *, worker: int, handle: str) -> None:
    await link.fetch(SQL["spawn/note_launch"], {"worker": worker, "handle": handle})


async def fail_launch(link: Link, *, worker: int, message: str) -> bool:
    """Whether this call closed the row."""
    return bool(await link.fetch(SQL["spawn/fail_launch"], {"worker": worker, "message": message}))


async def late_elsewhere(link: Link, *, queues: Sequence[str] | None, grace: float) -> list[WorkerElsewhere]:
    """By launcher; those launched for one of these queues, None = for any. `grace` in seconds."""
    parameters = {"queues": None if queues is None else list(queues), "grace": grace}
    return [WorkerElsewhere(*row) for row in await link.fetch(SQL["spawn/late_elsewhere"], parameters)]


async def give_up_launches(link: Link) -> list[GivenUp]:
    return [GivenUp(*row) for row in await link.fetch(SQL["spawn/give_up_launches"], {})]


async def over_time(link: Link, *, launcher: str, grace: float) -> list[OverTime]:
    """Those that a launcher started; `grace` in seconds."""
    parameters = {"launcher": launcher, "grace": grace}
    return [OverTime(*row) for row in await link.fetch(SQL["spawn/over_time"], parameters)]


async def open_rows(link: Link, workers: Sequence[int]) -> list[OpenRow]:
    return [OpenRow(*row) for row in await link.fetch(SQL["spawn/open_rows"], {"workers": list(workers)})]
