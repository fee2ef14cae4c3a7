"""Sees that the database has lost what it had committed: a stand-by that lagged was promoted, say.

In: jobs that `record` has told as completed, and the links. Out: a line in the log, with numbers. Nothing is
put right here: what was turned back is a row like any other, and runs again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg

from rowcrew.control.clock import Clock
from rowcrew.control.links import Links
from rowcrew.log import Log
from rowcrew.model.event import SERVER_WENT_BACK, NewEvent, events_document
from rowcrew.table import producer
from rowcrew.table import worker as table
from rowcrew.table.link import is_outage
from rowcrew.table.worker import Server

# What is remembered costs memory: the last thousand, and of a quiet worker the last minute before an outage.
MOST_COMPLETED: Final = 1000
REMEMBERED_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 5.0


class LatelyCompleted:
    """The jobs that this worker has told as completed last, each under its lease."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._batches: deque[tuple[float, Sequence[tuple[int, str]]]] = deque()
        self._number = 0

    def add(self, jobs: Sequence[tuple[int, str]]) -> None:
        """These are durable now, by the server's word."""
        self._batches.append((self._clock.now(), jobs[-MOST_COMPLETED:]))
        self._number += len(self._batches[-1][1])
        self.forget_old()

    def forget_old(self) -> None:
        """Let go what is too much or too long ago. Nobody calls it in an outage, which may last."""
        batches, oldest = self._batches, self._clock.now() - REMEMBERED_SECONDS
        while batches and (self._number > MOST_COMPLETED or batches[0][0] < oldest):
            self._number -= len(batches.popleft()[1])

    def all(self) -> list[tuple[int, str]]:
        return [job for _, jobs in self._batches for job in jobs]

    def forget(self) -> None:
        self._batches.clear()
        self._number = 0


class TurnedBack:
    """The chore that looks after every new connection whether the completed jobs still are."""

    name = "lost commits"
    period_seconds = LOOK_SECONDS
    jitter_seconds = 0.0

    def __init__(self, *, links: Links, lately_completed: LatelyCompleted, log: Log) -> None:
        self._links = links
        self._lately_completed = lately_completed
        self._log = log
        self._looked_after = (0, 0)
        self._server: Server | None = None

    async def once(self) -> None:
        """Look, if a connection was opened since the last time; else ask nothing."""
        opened = (self._links.chores.opened, self._links.record.opened)
        if opened != self._looked_after:
            await self._look(opened)
        if self._links.chores.is_open:  # else there may be an outage, and what is lost in it is not seen yet
            self._lately_completed.forget_old()

    async def _look(self, opened: tuple[int, int]) -> None:
        server, before = await self._who_answers(), self._server
        has_moved = None not in (server, before) and server != before
        completed = self._lately_completed.all()
        ids, leases = [id for id, _ in completed], [lease for _, lease in completed]
        found = await table.turned_back(self._links.chores, ids=ids, leases=leases)
        self._looked_after, self._server = opened, server or before
        # By hand a completed job is requeued, or deleted, too; but hardly while another server takes over.
        again = found.certain + (found.others if has_moved else 0)
        gone = found.gone if has_moved else 0
        facts = {"server": _named(before, server), "completed": len(completed)}
        if again or gone:
            self._log.event("database.turned_back", turned_back=again + gone, again=again, gone=gone, **facts)
            self._lately_completed.forget()
            await self._tell({"again": again, "gone": gone, **facts})
        elif has_moved:
            self._log.event("database.moved", **facts)

    async def _tell(self, facts: Mapping[str, Any]) -> None:
        """For those outside; a worker's word in the log does not hang on it."""
        event = NewEvent(SERVER_WENT_BACK, detail=facts)
        await self._links.chores.ask(producer.emit(events_document([event])))

    async def _who_answers(self) -> Server | None:
        """None where the server does not say: not every managed one does."""
        try:
            return await table.server(self._links.chores)
        except psycopg.Error as error:
            if is_outage(error):
                raise
            return None


def _named(before: Server | None, now: Server | None) -> str:
    """Which servers, in words."""
    if now is None or before is None:
        return "which server answers is not known"
    if now.cluster != before.cluster:
        return f"cluster {now.cluster} answers, no longer {before.cluster}"
    if now.timeline != before.timeline:
        return f"timeline {now.timeline} follows {before.timeline}: a stand-by was promoted"
    return f"timeline {now.timeline} as before: commits did not outlive a crash"
