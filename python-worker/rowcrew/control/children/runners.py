"""The runners of a worker: shared ones as wanted, others as jobs need them, a new one for each that dies.

In: the manifest and messages of runners. Out: runners that take jobs. `dispatch` asks for them; messages and
deaths go to the desk, `road.reports`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Final, Protocol

from rowcrew.control.children.child import Child
from rowcrew.control.children.leftovers import FIRST_PROCESS, end_marked, reap
from rowcrew.control.children.memory import has_memory_for_another
from rowcrew.control.children.runner import Kind, Place, Runner
from rowcrew.control.children.starting import FirstWord, Restarts
from rowcrew.control.clock import Clock
from rowcrew.log import Log
from rowcrew.model.cleaning import clean_line
from rowcrew.model.manifest import Manifest
from rowcrew.runner.wire import Piece, Ready, Report, Said, ToControl, Unloadable, Withdrawn
from rowcrew.settings import Settings

SOLO_IDLE_SECONDS: Final = 60.0
GROUP_IDLE_SECONDS: Final = 5.0
SILENT_SECONDS: Final = 30.0
LOOK_AGAIN_SECONDS: Final = 1.0
LEAVING_SECONDS: Final = 2.0
"""How long a runner may take when the worker leaves; all of a shutdown fits into 30 seconds. What a crew
does at shutdown has its own limits, on top."""


class Desk(Protocol):
    """Where runners report, from the moment that jobs are assigned to them."""

    def on_ready(self, runner: Runner) -> None: ...
    def on_report(self, runner: Runner, report: Report) -> None: ...
    def on_said(self, pieces: list[Piece]) -> None: ...
    def on_withdrawn(self, runner: Runner, lease_ids: list[str]) -> None: ...
    def on_death(self, runner: Runner, how: str) -> None: ...


class Runners:
    """The children of a worker. They start before it knows what they can run: the first one tells.

    Args:
        place: where they live.
        owns_process: whether this process is a worker and nothing else.

    Attributes:
        restarts: how many have died, or were replaced because they used too much.
    """

    def __init__(
        self, *, place: Place, settings: Settings, clock: Clock, log: Log, owns_process: bool
    ) -> None:
        self._place = place
        self._settings = settings
        self._clock = clock
        self._log = log
        self._owns_process = owns_process
        self._desk: Desk | None = None
        self._wanted = min(settings.runners, settings.slots)
        self._all: list[Runner] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self.restarts = 0
        self._leaving_seconds = LEAVING_SECONDS
        self._pauses = Restarts()
        self._first_word = FirstWord()

    def __iter__(self) -> Iterator[Runner]:
        return iter(list(self._all))

    def start(self) -> None:
        for _ in range(self._wanted):
            self.add("shared")

    async def manifest(self) -> Manifest:
        """What the crew can run, as soon as the first runner has loaded it.

        Raises:
            CrewError: the crew cannot be loaded.
        """
        return await self._first_word.manifest()

    def report_to(self, desk: Desk) -> None:
        """From now on jobs are assigned, and runners have something to report."""
        self._desk = desk

    def shared(self) -> list[Runner]:
        return [runner for runner in self._all if runner.kind == "shared" and runner.takes_jobs]

    def groups(self) -> list[Runner]:
        """Runners of suspects: at work, idle, coming and leaving: each holds memory until it is gone."""
        return [runner for runner in self._all if runner.kind == "group"]

    def has_memory_for_another(self) -> bool:
        return has_memory_for_another([runner.pid for runner in self._all if runner.is_loaded])

    def idle_solo(self, *, unused: bool) -> Runner | None:
        """A runner for one job; with `unused`, one that no other job has had."""
        idle = [r for r in self._all if r.kind == "solo" and r.takes_jobs and not r.runs]
        return next((r for r in idle if not (unused and r.was_used)), None)

    def solos_on_the_way(self) -> int:
        return sum(r.kind == "solo" and not r.is_loaded and not r.retiring for r in self._all)

    def add(self, kind: Kind) -> None:
        """Start a runner; it makes itself known when it is ready."""
        runner = Runner(kind=kind, slots=self._slots_of(kind), keeper=self, clock=self._clock)
        self._all.append(runner)
        task = asyncio.create_task(self._live(runner), name=f"{kind} runner")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def replace(self, runner: Runner) -> None:
        """Let a runner finish what it runs and start another in its place."""
        runner.retire()
        self.restarts += 1
        if runner.kind == "shared":
            self.add("shared")

    def start_none(self) -> None:
        """From now on nothing follows a runner that goes: the worker is leaving."""
        self._closing.set()

    def retire_idle(self) -> None:
        """Runners of suspects leave after seconds without work; solo ones after a minute, but for one.

        One that answers no more and has no runs is ended: it keeps the place of another, perhaps for ever.
        """
        for runner in self._all:
            if runner.is_silent and not runner.runs and self._has_idled(runner, SILENT_SECONDS):
                self._log.event(runner.killing, pid=runner.pid, reason="it neither answers nor runs a job")
                runner.kill()
        idle = [runner for runner in self._all if runner.takes_jobs and not runner.runs]
        groups = [runner for runner in idle if runner.kind == "group"]
        solos = [runner for runner in idle if runner.kind == "solo"]
        for seconds, leaving in ((GROUP_IDLE_SECONDS, groups), (SOLO_IDLE_SECONDS, solos[1:])):
            for runner in leaving:
                if self._has_idled(runner, seconds):
                    runner.retire()

    def _has_idled(self, runner: Runner, seconds: float) -> bool:
        return self._clock.now() - runner.idle_since > seconds

    def reap_orphans(self) -> None:
        """Only the first process of a container has any; a child of a host program is for the host."""
        if self._owns_process and os.getpid() == FIRST_PROCESS:
            reap(Child.alive)

    def _slots_of(self, kind: Kind) -> int:
        """One for a solo; a share for a shared one, so that all of them have the worker's slots, no more."""
        if kind != "shared":
            return 1 if kind == "solo" else self._settings.slots
        shared = [runner for runner in self._all if runner.kind == "shared" and not runner.retiring]
        left = self._settings.slots - sum(runner.slots for runner in shared)
        return max(1, -(-left // max(1, self._wanted - len(shared))))

    async def close(self) -> None:
        """Ask all to leave, kill those that do not in time, wait until the last is gone."""
        self._closing.set()
        for runner in self._all:
            runner.retire()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._leaving_seconds)
        for runner in self._all:
            runner.kill()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _live(self, runner: Runner) -> None:
        if not await self._start(runner):
            self._all.remove(runner)
            return
        started = self._clock.now()
        how, asked_to_leave = await runner.wait()
        self._all.remove(runner)
        self._first_word.failed(f"a runner died while it loaded the crew: {how}")
        expected = self._closing.is_set() or (asked_to_leave and runner.is_loaded)
        if expected:
            self._log.event("runner.ended", pid=runner.pid)
        else:
            self.restarts += 1
            self._log.event("runner.died", pid=runner.pid, reason=how)
        if self._desk is not None:
            self._desk.on_death(runner, how)
        has_looked = await self._end_leftovers(runner)
        if not expected and runner.kind == "shared":
            await self._pause(self._clock.now() - started)
            if not self._closing.is_set():
                self.add("shared")
        # When the worker leaves before it could look, the next one here sees to them.
        while not has_looked and not await self._clock.wait(self._closing, LOOK_AGAIN_SECONDS):
            has_looked = await self._end_leftovers(runner)

    async def _end_leftovers(self, runner: Runner) -> bool:
        """Whether it could look; in a thread, since a large machine has many processes to look at."""
        try:
            programs = await asyncio.to_thread(end_marked, runner.mark)
        except (OSError, RuntimeError):  # neither thread nor descriptor can be had
            return False
        if programs:
            self._log.event("runner.leftovers", pid=runner.pid, programs=programs)
        return True

    async def _start(self, runner: Runner) -> bool:
        """Start its process, again and again while the machine has no room for one; false when closing."""
        while not self._closing.is_set():
            try:
                await runner.start(self._place)
            except (OSError, RuntimeError) as error:
                self._log.event("runner.not_started", reason=clean_line(str(error)))
                await self._pause(0)
            else:
                return True
        return False

    async def _pause(self, lived_seconds: float) -> None:
        if seconds := self._pauses.pause_seconds(lived_seconds):
            await self._clock.wait(self._closing, seconds)

    def hear(self, runner: Runner, message: ToControl) -> None:
        """Take a message of a runner."""
        if isinstance(message, Ready):
            self._first_word.loaded(message.manifest)
            self._leaving_seconds = LEAVING_SECONDS + message.manifest.shutdown_seconds
            self._log.event("runner.started", pid=runner.pid, kind=runner.kind)
        elif isinstance(message, Unloadable):
            self._first_word.failed(f"the crew cannot be loaded: {message.error}")
            # A later one that finds the crew changed on disk is tried again like one that died.
            runner.retire()
        if self._desk is not None:
            self._pass_on(runner, message, self._desk)

    def _pass_on(self, runner: Runner, message: ToControl, desk: Desk) -> None:
        match message:
            case Report():
                desk.on_report(runner, message)
            case Said(pieces):
                desk.on_said(pieces)
            case Withdrawn(lease_ids):
                desk.on_withdrawn(runner, lease_ids)
            case Ready():
                desk.on_ready(runner)
            case Unloadable():
                pass
