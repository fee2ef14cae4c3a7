"""Looks after launched workers: those that never came, that died, and that outlive their time.

In: a link and the launchers. Out: closed rows, jobs given back, signals, a line for each. Called by `spawner`
before each round, so that the round counts what is true.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Final

import psycopg

from rowcrew.log import Log
from rowcrew.spawn.elsewhere import Elsewhere
from rowcrew.spawn.launchers.process import Ended, ProcessLauncher
from rowcrew.table import spawn as table
from rowcrew.table import worker
from rowcrew.table.link import Link, is_about_data

_LAST_WRITES_SECONDS: Final = 5.0


class Care:
    """The care of one spawner for workers that it, or a spawner before it, has launched.

    Args:
        launched: the ids of the processes that it launched, by their bootIds, until they are buried.
        grace_seconds: how long a worker that is told to stop may take for it.
    """

    def __init__(
        self,
        *,
        link: Link,
        processes: ProcessLauncher,
        elsewhere: Elsewhere,
        launched: MutableMapping[str, int],
        grace_seconds: float,
        log: Log,
    ) -> None:
        self._link = link
        self._processes = processes
        self._elsewhere = elsewhere
        self._launched = launched
        self._grace_seconds = grace_seconds
        self._log = log
        self._unseen: list[Ended] = []

    async def once(self) -> None:
        """Do what is due.

        Raises:
            psycopg.Error: the database was not reached; what it was to hear is told next time.
        """
        await self._bury()
        await self._give_up()
        await self._end_over_time()

    async def _bury(self) -> None:
        """Close the rows of own children that ended without doing so themselves."""
        self._unseen += self._processes.take_ended()
        while self._unseen:
            await self._see_to(self._unseen[0])
            del self._launched[self._unseen.pop(0).boot_id]

    async def _see_to(self, ended: Ended) -> None:
        id = self._launched[ended.boot_id]
        open_rows = await table.open_rows(self._link, [id])
        if not open_rows:
            self._log.event("worker.exited", name=ended.name, exit_code=ended.exit_code, worker=id)
        elif not open_rows[0].registered:
            message = f"its process ended before it registered, {_ending(ended.exit_code)}"
            if await table.fail_launch(self._link, worker=id, message=message):
                self._log.event(
                    "worker.never_came", name=ended.name, label=ended.queue, reason=message, worker=id
                )
        else:
            self._log.event("worker.died", name=ended.name, ending=_ending(ended.exit_code), worker=id)
            await self._give_back(id, open_rows[0].beats)

    async def _give_back(self, id: int, beats: int) -> None:
        """Its jobs need not wait until somebody misses its heartbeat: its parent knows that it is dead."""
        try:
            while jobs := await worker.rescue(self._link, workers=[id], beats=[beats]):
                for job in jobs:
                    self._log.event("job.rescued", job_id=job.id, type=job.type, status=job.status)
        except psycopg.Error as error:
            if not is_about_data(error):
                raise
            # A row that no statement takes: the workers set it aside, and give back the others one by one.

    async def _give_up(self) -> None:
        """What hangs before it registers has no job, and would hang, or wait for room, for ever."""
        for given_up in await table.give_up_launches(self._link):
            if given_up.launcher == self._processes.name and given_up.handle is not None:
                self._processes.kill(given_up.handle)
            elif given_up.handle is not None:
                await self._elsewhere.end(given_up.launcher, given_up.handle)
            self._log.event(
                "worker.never_came",
                name=given_up.name,
                label=given_up.queue,
                reason=given_up.error_message,
                worker=given_up.id,
            )

    async def _end_over_time(self) -> None:
        """The last resort: a worker drains by itself at the end of its time, and is gone a grace later."""
        grace = self._grace_seconds + _LAST_WRITES_SECONDS
        for late in await table.over_time(self._link, launcher=self._processes.name, grace=grace):
            kills = late.over_seconds > grace
            (self._processes.kill if kills else self._processes.end)(late.handle)
            signal = "SIGKILL" if kills else "SIGTERM"
            self._log.event("worker.over_time", name=late.name, seconds=late.over_seconds, signal=signal)
        await self._elsewhere.once(grace=2 * grace)


def _ending(exit_code: int) -> str:
    return f"killed by signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
