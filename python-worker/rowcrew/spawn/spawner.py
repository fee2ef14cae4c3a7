"""A spawner from start to stop: checks by the clock and at every wake-up, until somebody ends it.

In: settings and what the command line asks for. Out: workers that come when jobs wait. Called by `main`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from rowcrew.log import Log
from rowcrew.settings import Settings
from rowcrew.spawn.care import Care
from rowcrew.spawn.elsewhere import Elsewhere
from rowcrew.spawn.places import Places
from rowcrew.spawn.rounds import Checked, Rounds
from rowcrew.spawn.starts import SLOTS, Starts
from rowcrew.spawn.status import is_idle, label, summed, told
from rowcrew.table.link import Link, reason
from rowcrew.table.listening import READY, listen
from rowcrew.ticks import Ticks

_LEAST_PAUSE_SECONDS: Final = 0.2
_PAUSES_A_COUNT: Final = 20
"""To count may cost a twentieth of the time: a crowd that takes long is counted less often."""
_FIRST_RETRY_SECONDS: Final = 0.5
_LONGEST_RETRY_SECONDS: Final = 10.0
_LAST_WRITES_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the command line asks of a spawner.

    Attributes:
        queues: those it starts workers for; None = all.
        launcher: where workers start, whatever the rows say; None = where the rows say.
        in_place_of_process: where they start if the rows say on this machine; None = on this machine.
        leave_workers: whether its workers go on when it stops.
        short: whether the status is one sum.
        verbose: whether every check is told, with the reason of each decision.
    """

    queues: Sequence[str] | None = None
    launcher: str | None = None
    in_place_of_process: str | None = None
    leave_workers: bool = False
    short: bool = False
    verbose: bool = False


class Spawner:
    """One spawner. Made inside a running event loop."""

    def __init__(self, *, settings: Settings, wishes: Wishes, log: Log) -> None:
        self._settings = settings
        self._wishes = wishes
        self._log = log
        self._woken = asyncio.Event()
        self._closing = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.link = Link(settings.require_database_url(), purpose="spawner")
        self._places = Places(
            settings,
            only=wishes.launcher,
            in_place_of_process=wishes.in_place_of_process,
            on_end=self._wake_from_thread,
        )
        self._starts = Starts(
            link=self.link, places=self._places, grace_seconds=settings.shutdown_grace_seconds, log=log
        )
        self._rounds = Rounds(link=self.link, places=self._places, starts=self._starts, queues=wishes.queues)
        self._care = Care(
            link=self.link,
            processes=self._places.processes,
            elsewhere=Elsewhere(link=self.link, places=self._places, queues=wishes.queues, log=log),
            launched=self._starts.launched,
            grace_seconds=settings.shutdown_grace_seconds,
            log=log,
        )
        self._ticks = Ticks(link=self.link, log=log)
        self._last_status: dict[str, Any] = {}
        self._is_away = False

    async def run(self) -> None:
        """Check, again and again, until it is closed."""
        listening = asyncio.create_task(self._listen())
        try:
            while not self._closing.is_set():
                pause = await self._checked()
                await _for(self._woken, pause)
        finally:
            listening.cancel()

    def close(self) -> None:
        """Start nothing more; the check under way is the last."""
        self._starts.closed = True
        self._closing.set()
        self._woken.set()

    async def check(self, *, woken: bool = True) -> Checked:
        """One check: fire due ticks, see to the workers that are there, start those that are wanted, tell.

        Args:
            woken: whether something has happened since the last one.

        Raises:
            psycopg.Error: the database was not reached, or refuses.
        """
        again, trouble = await self._fire()
        await self._care.once()
        checked = await self._rounds.once(woken=woken)
        if again is not None:
            checked.again_seconds = min(again, checked.again_seconds or again)
        self._tell(checked)
        if trouble is not None:
            raise trouble
        return checked

    async def stop(self) -> None:
        """End the workers that are its children and wait for them, unless they are to be left."""
        self.close()
        own = self._places.processes
        if not self._wishes.leave_workers:
            for handle in own.running():
                own.end(handle)
            await self._until_gone(self._settings.shutdown_grace_seconds + _LAST_WRITES_SECONDS)
        await self.link.close()

    @property
    def children(self) -> int:
        """How many workers of this machine are its own."""
        return len(self._places.processes.running())

    async def _until_gone(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.children:
                    self._woken.clear()
                    if self.children:
                        await self._woken.wait()

    async def _fire(self) -> tuple[float | None, psycopg.Error | None]:
        """Nobody else does while no worker is there. An error waits until jobs were seen to."""
        try:
            return await self._ticks.fire(), None
        except psycopg.Error as error:
            return None, error

    async def _checked(self) -> float:
        """Check, whatever comes of it, and pause as long as that cost; in how many seconds to check again."""
        woken = self._woken.is_set()
        self._woken.clear()
        try:
            checked = await self.check(woken=woken)
        except psycopg.Error as error:
            self._met(error)
            return min(self._settings.spawner_seconds, _FIRST_RETRY_SECONDS * 4)
        self._passed()
        paused = max(_LEAST_PAUSE_SECONDS, _PAUSES_A_COUNT * checked.counted_seconds)
        await _for(self._closing, paused)
        return max(0.0, self._pause_seconds(checked) - paused)

    def _pause_seconds(self, checked: Checked) -> float:
        own = [one.check_interval_seconds for one in checked.queues if one.check_interval_seconds]
        return min([self._settings.spawner_seconds, *own, checked.again_seconds or float("inf")])

    async def _listen(self) -> None:
        """Wake up when rows are ready. A hint: without it, or behind a pooler, checks come by the clock."""
        pause = _FIRST_RETRY_SECONDS
        while True:
            address = self._settings.database_direct_url or self._settings.require_database_url()
            if not self._settings.database_direct_url and self.link.pooled:
                return
            try:
                await listen(address, listening=self._woken.set, receive=self._receive)
            except psycopg.Error as error:
                if not self._is_away:
                    self._log.event("wake_up.lost", reason=reason(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_RETRY_SECONDS)

    def _wake_from_thread(self) -> None:
        with suppress(RuntimeError):  # this spawner has ended, and its workers go on
            self._loop.call_soon_threadsafe(self._woken.set)

    def _receive(self, channel: bytes, _: bytes) -> None:
        if channel == READY:
            self._woken.set()

    def _tell(self, checked: Checked) -> None:
        """The status, when it has changed; every decision where somebody wants to know."""
        if self._wishes.short:
            status: dict[str, Any] = dict(summed(checked.queues, checked.started))
        else:
            status = told(checked.queues, slots=SLOTS)
        if status != self._last_status or self._wishes.verbose:
            self._last_status = status
            self._log.event("spawner.summary" if self._wishes.short else "spawner.status", **status)
        if self._wishes.verbose:
            for queue, decision in zip(checked.queues, checked.decisions, strict=True):
                if not is_idle(queue):
                    self._log.event(
                        "spawner.checked",
                        label=label(queue),
                        queue=queue.queue,
                        start=decision.start,
                        reason=decision.reason,
                    )

    def _met(self, error: psycopg.Error) -> None:
        if not self._is_away:
            self._is_away = True
            event = "database.refuses" if self.link.is_open else "database.lost"
            self._log.event(event, purpose="spawner", reason=reason(error))

    def _passed(self) -> None:
        if self._is_away:
            self._is_away = False
            self._log.event("database.back", purpose="spawner")


async def _for(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, and no longer than these seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
