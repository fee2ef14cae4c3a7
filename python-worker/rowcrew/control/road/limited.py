"""The limited road: reserves what limits hold back, one queue a transaction, under the lock of its limits.

In: lines, wake-ups, room. Out: jobs to `dispatch`, and word to other workers of places that this one cannot
fill. Nothing here runs, and nothing is asked, while no queue and no key has a limit. Called by `reserve`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rowcrew.control.clock import Clock
from rowcrew.control.identity import Identity
from rowcrew.control.ledger import Ledger
from rowcrew.control.road.appetite import Ask
from rowcrew.control.road.dispatch import Dispatcher
from rowcrew.control.road.limited_queue import LimitedQueue, Sight
from rowcrew.control.road.odd_rows import OddRows
from rowcrew.model.floors import BOTTOM
from rowcrew.model.job import Job
from rowcrew.table import limits as table
from rowcrew.table.link import Link
from rowcrew.table.worker import ReadyLine

# A place must be on disk before its run begins: the server may die after the answer, and would forget it.
DURABLE: Final = {"synchronous_commit": "on"}
_ODD_ROOM: Final = 500
_ODD_PAUSE_SECONDS: Final = 0.1
_NEVER: Final = float("inf")


class LimitedRoad:
    """The queues under limits of one worker, and the looks at them.

    Args:
        types: all types that it serves.
    """

    def __init__(
        self,
        *,
        link: Link,
        types: tuple[str, ...],
        identity: Identity,
        ledger: Ledger,
        dispatcher: Dispatcher,
        odd_rows: OddRows,
        poll_seconds: float,
        by_priority: bool,
        clock: Clock,
    ) -> None:
        self._link = link
        self._types = types
        self._identity = identity
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._odd_rows = odd_rows
        self._poll_seconds = poll_seconds
        self._by_priority = by_priority
        self._clock = clock
        self._queues: dict[str, LimitedQueue] = {}
        self._key_floors: dict[str, str] = {}
        self._opened = 0

    @property
    def due(self) -> float:
        """When the next queue is to be looked at; never while there is none."""
        return min([queue.due for queue in self._queues.values()], default=_NEVER)

    @property
    def has_unseen(self) -> bool:
        """Whether rows may be ready in a queue that it has not looked at yet."""
        return any(queue.unseen for queue in self._queues.values())

    def learn(self, lines: Sequence[ReadyLine]) -> None:
        """Take note of which queues have rows that only limits let start."""
        now = self._clock.now()
        seen: dict[str, list[ReadyLine]] = {}
        for line in lines:
            if line.queue is not None and not line.paused and (line.limited or line.named_keys):
                seen.setdefault(line.queue, []).append(line)
        for name in self._queues.keys() - seen.keys():
            del self._queues[name]
        for name, its_lines in seen.items():
            first = its_lines[0]
            if name not in self._queues or self._queues[name].limited != first.limited:
                self._queues[name] = LimitedQueue(
                    name,
                    limited=first.limited,
                    is_new=first.is_new,
                    poll_seconds=self._poll_seconds,
                    now=now,
                )
            self._queues[name].learn(its_lines, now)

    def woken(self, *, place: bool = False) -> None:
        now = self._clock.now()
        for queue in self._queues.values():
            queue.woken(now, place=place)

    async def look(self, room: int) -> int:
        """Reserve from the queues that are due, in turns, while there is room; how many rows it took."""
        now = self._clock.now()
        freed = self._take_freed()
        due = [queue for queue in self._queues.values() if queue.due <= now or (freed and queue.needs_places)]
        rows = 0
        for queue in due:
            if room <= rows:
                break
            taken = await self._look_at(queue, room - rows)
            self._queues[queue.queue] = self._queues.pop(queue.queue)  # the others come first next time
            rows += taken
            if queue.queue in freed:
                freed[queue.queue] -= taken
        if any(left > 0 for left in freed.values()):
            await table.announce(self._link)
        return rows

    async def announce(self) -> None:
        """Tell others of the places that runs of this worker have left, if it does not look itself."""
        if self._take_freed():
            await table.announce(self._link)

    def _take_freed(self) -> dict[str, int]:
        freed, self._ledger.freed = self._ledger.freed, {}
        return freed

    async def _look_at(self, queue: LimitedQueue, room: int) -> int:
        sight = queue.begin(room, self._clock.now())
        taken = 0

        async def take(*, only: Sequence[int] | None = None, seconds: float | None = None) -> list[Job]:
            nonlocal taken  # taken apart, rows are asked for again and again, and have one room together
            some = await self._take(queue, sight, room - taken, only=only, seconds=seconds)
            taken += len(some)
            return some

        with self._ledger.reserving():
            jobs = await self._odd_rows.together(take)
            if jobs is None:
                queue.due = self._clock.now() + _ODD_PAUSE_SECONDS
                ask = Ask(self._types, _ODD_ROOM, 1)
                jobs = await self._odd_rows.take(ask, sight.probes, take, limited=True)
            if jobs:
                self._ledger.placed.update([(job.lease_id, queue.queue) for job in jobs])
                self._dispatcher.take(jobs)
        if queue.limited and queue.has_keys and queue.rereads:
            await self._pass_keyed(queue)
        return len(jobs)

    async def _pass_keyed(self, queue: LimitedQueue) -> None:
        """Rows under limits of keys would be read again at every look at the line."""
        began = self._clock.now()
        skipped = await table.skip_keyed(self._link, probes=queue.line(), per_key=queue.per_key)
        queue.passed(skipped, began, self._clock.now())

    async def _take(
        self,
        queue: LimitedQueue,
        sight: Sight,
        room: int,
        *,
        only: Sequence[int] | None,
        seconds: float | None,
    ) -> list[Job]:
        """One transaction; what counts is sent after the lock is held, and sees what its last owner did."""
        async with self._link.transaction(DURABLE):
            locked = await table.lock_limits(self._link, queue=queue.queue, after=queue.after)
            if not locked.locked or not (locked.limited or locked.keys):
                queue.lock_lost(self._clock.now())
                return []
            await self._adopt(queue, locked)
            sight = self._on_this_server(sight)
            rows = await table.reserve_limited(
                self._link,
                queue=queue.queue,
                worker=self._identity.worker_id,
                types=self._types,
                room=room,
                keys=locked.keys,
                probes=sight.probes,
                place_floor=sight.place_floor,
                key_floors={} if sight.counts_all else self._key_floors,
                after=sight.after,
                steps=sight.steps,
                line_turn=sight.line_turn,
                by_id=not self._by_priority,
                only=only,
                seconds=seconds,
            )
        if only is None:
            queue.found(rows, room, self._clock.now(), counts=locked.limited)
        if rows:
            self._key_floors.update(zip(rows[0].floor_keys, rows[0].key_floors, strict=True))
        return [job for row in rows if (job := row.job) is not None]

    def _on_this_server(self, sight: Sight) -> Sight:
        """Another server may answer after a new connection, its clock behind: then no floor hides a place."""
        if self._link.opened == self._opened:
            return sight
        self._opened = self._link.opened
        self._key_floors.clear()
        for queue in self._queues.values():
            queue.count_all()
        return sight._replace(place_floor=BOTTOM, counts_all=True)

    async def _adopt(self, queue: LimitedQueue, locked: table.Locked) -> None:
        now = self._clock.now()
        if not queue.adopts(now):
            return
        leases = await table.adopt(self._link, queue=queue.queue, limited=locked.limited, keys=locked.keys)
        queue.adopted(now)
        self._ledger.placed.update([(lease, queue.queue) for lease in leases if lease in self._ledger])
