"""One check of all queues: how many workers each wants, their rows, and then their start.

In: a link and launchers. Out: workers that were started, and what the queues look like. Called by `spawner`,
and ticked by hand in tests.

A row in `workers` comes before the worker: it is committed under the lock of the queue's row, so whoever
counts next counts it. Nothing that is started can be missing from the count, whatever dies in between.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rowcrew.model.duration import duration
from rowcrew.spawn.decision import Decision, decide
from rowcrew.spawn.places import Places
from rowcrew.spawn.starts import SLOTS, Starts
from rowcrew.spawn.status import prefix, standing
from rowcrew.table import spawn as table
from rowcrew.table import worker
from rowcrew.table.link import Link
from rowcrew.table.spawn import Entered, QueueStanding


@dataclass
class Checked:
    """What one check saw and did.

    Attributes:
        queues: as they stood, with the workers that were started since.
        decisions: one for each of them.
        started: how many workers were started.
        failed: how many were not, though wanted.
        again_seconds: after how long a decision may change by itself; None = not before something happens.
        counted_seconds: how long it took to count; starts, which may take long elsewhere, are not in it.
    """

    queues: list[QueueStanding] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    started: int = 0
    failed: int = 0
    again_seconds: float | None = None
    counted_seconds: float = 0.0


class Rounds:
    """The rounds of one spawner.

    Args:
        queues: those it starts workers for; None = all.
    """

    def __init__(self, *, link: Link, places: Places, starts: Starts, queues: Sequence[str] | None) -> None:
        self._link = link
        self._places = places
        self._starts = starts
        self._queues = queues
        self._checked_at: dict[str, float] = {}

    async def once(self, *, woken: bool = True) -> Checked:
        """Look at all queues and start what is wanted.

        Args:
            woken: whether something has happened; else queues with an interval of their own keep to it.

        Raises:
            psycopg.Error: the database was not reached, or refuses.
        """
        checked = Checked()
        await self._starts.tell()
        began = time.monotonic()
        standings = await table.standings(self._link, queues=self._queues)
        checked.counted_seconds = time.monotonic() - began
        for seen in standings:
            queue, decision = seen, self._decided(seen, woken)
            if decision.start and not self._starts.closed:
                queue, decision = await self._start(seen, checked)
            checked.queues.append(queue)
            checked.decisions.append(decision)
        pauses = [one.again_seconds for one in checked.decisions if one.again_seconds is not None]
        checked.again_seconds = min(pauses, default=None)
        return checked

    def _decided(self, queue: QueueStanding, woken: bool) -> Decision:
        own = queue.check_interval_seconds
        left = 0.0 if own is None else self._checked_at.get(queue.queue, -math.inf) + own - time.monotonic()
        if left > 0 and not woken:
            return Decision(0, f"it is checked every {duration(own or 0)}", left)
        self._checked_at[queue.queue] = time.monotonic()
        return decide(standing(queue, slots=SLOTS))

    async def _start(self, seen: QueueStanding, checked: Checked) -> tuple[QueueStanding, Decision]:
        """Decide again under the lock, then start. The first start that fails ends the queue's round."""
        queue, decision, entered = await self._spawn_worker(seen)
        started = await self._starts.start(queue, entered)
        checked.started += started
        checked.failed += len(entered) - started
        return queue._replace(live=queue.live + started), decision

    async def _spawn_worker(self, seen: QueueStanding) -> tuple[QueueStanding, Decision, list[Entered]]:
        """Enter the rows of the workers to start, in one transaction with the count that asks for them."""
        await worker.add_queue(self._link, seen.queue)
        async with self._link.transaction():
            queue, decision = await self._can_spawn_worker(seen)
            if not decision.start:
                return queue, decision, []
            entered = await table.spawn_worker(
                self._link,
                queue=queue.queue,
                number=decision.start,
                prefix=prefix(queue),
                slots=SLOTS,
                launcher=self._places.name_of(queue.launcher),
            )
        return queue, decision, entered

    async def _can_spawn_worker(self, seen: QueueStanding) -> tuple[QueueStanding, Decision]:
        """How many workers may start, counted under the lock that every spawner takes for this."""
        if not await table.lock_queue(self._link, queue=seen.queue):
            return seen, Decision(0, "another spawner decides just now")
        (queue,) = await table.standings(self._link, queues=[seen.queue])
        return queue, decide(standing(queue, slots=SLOTS))
