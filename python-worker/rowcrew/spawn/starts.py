"""Starts the workers that have rows: a launch for each row, and what came of it into the row.

In: rows that are committed, and launchers. Out: workers, handles, reasons. Called by `rounds`.

What a row is to hear may not reach it, when the database goes away between a start and its note. It is told
first when the database is back; a place that nobody fills would else be kept for two minutes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from rowcrew.log import Log
from rowcrew.model.cleaning import describe
from rowcrew.spawn.launcher import Launch, PlaceFailed
from rowcrew.spawn.launchers.process import ProcessLauncher, pid_of
from rowcrew.spawn.places import Places
from rowcrew.spawn.status import label
from rowcrew.table import spawn as table
from rowcrew.table.link import Link
from rowcrew.table.spawn import Entered, QueueStanding

SLOTS: Final = 1
"""Of each worker that is started: one job, one worker, so that workers can be counted as jobs are."""
_NOT_ITS_TURN: Final = "not started: the round had ended before its turn"


class _Note(NamedTuple):
    """What a row is to hear: the handle of its worker, or why there is none."""

    worker: int
    handle: str | None = None
    error: str = ""


class Starts:
    """The starts of one spawner.

    Args:
        grace_seconds: how long a worker that is told to stop may take for it.

    Attributes:
        closed: whether nothing is started any more.
        launched: the ids of the processes that it started, by their bootIds.
    """

    def __init__(self, *, link: Link, places: Places, grace_seconds: float, log: Log) -> None:
        self._link = link
        self._places = places
        self._grace_seconds = grace_seconds
        self._log = log
        self._untold: deque[_Note] = deque()
        self.closed = False
        self.launched: dict[str, int] = {}

    async def start(self, queue: QueueStanding, entered: Sequence[Entered]) -> int:
        """Start the workers of these rows, up to the first that fails; how many were started.

        Raises:
            psycopg.Error: a row could not be told; `tell` tries again.
        """
        waiting = deque(entered)
        started = 0
        try:
            while waiting and not self.closed:
                if not await self._start(queue._replace(live=queue.live + started), waiting.popleft()):
                    break
                started += 1
        finally:
            self._untold.extend(_Note(entry.id, error=_NOT_ITS_TURN) for entry in waiting)
        await self.tell()
        return started

    async def tell(self) -> None:
        """Tell the rows what they have not heard yet."""
        while self._untold:
            note = self._untold[0]
            if note.handle is None:
                await table.fail_launch(self._link, worker=note.worker, message=note.error)
            else:
                await table.note_launch(self._link, worker=note.worker, handle=note.handle)
            del self._untold[0]

    async def _start(self, queue: QueueStanding, entry: Entered) -> bool:
        """Start one worker; whether it was started."""
        name = self._places.name_of(queue.launcher)
        is_process = name == ProcessLauncher.name
        try:
            launcher = self._places.launcher(name, queue.launch_command)
            if is_process:
                self.launched[entry.boot_id] = entry.id
            handle = await asyncio.to_thread(launcher.start, self._described(queue, entry))
        except Exception as error:
            self.launched.pop(entry.boot_id, None)
            self._failed(queue, entry, str(error) if isinstance(error, PlaceFailed) else describe(error))
            return False
        self._untold.append(_Note(entry.id, handle=handle))
        self._log.event(
            "worker.spawned",
            name=entry.name,
            label=label(queue),
            place="PID" if is_process else name,
            handle=pid_of(handle) if is_process else handle,
            total=queue.live + 1,
            queue=queue.queue,
            worker=entry.id,
        )
        await self.tell()
        return True

    def _described(self, queue: QueueStanding, entry: Entered) -> Launch:
        runtime = queue.max_runtime_seconds
        return Launch(
            name=entry.name,
            boot_id=entry.boot_id,
            queue=queue.queue,
            slots=SLOTS,
            # At the end of its time it drains for one grace, and may be told to stop and take another one.
            seconds=None if runtime is None else runtime + round(2 * self._grace_seconds),
            cpu=None if queue.cpu_percent is None else queue.cpu_percent / 100,
            memory=queue.memory_bytes,
        )

    def _failed(self, queue: QueueStanding, entry: Entered, message: str) -> None:
        self._untold.append(_Note(entry.id, error=message))
        self._log.event(
            "worker.not_spawned",
            name=entry.name,
            label=label(queue),
            reason=message,
            queue=queue.queue,
            worker=entry.id,
        )
