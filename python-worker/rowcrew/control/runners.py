"""The runners of a worker: shared ones as wanted, solo ones as jobs need them, a new one for each that dies.

In: the manifest and messages of runners. Out: runners that take jobs. `dispatch` asks for them and is told of
messages and deaths.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from rowcrew.control.runner_process import RunnerProcess
from rowcrew.log import Log
from rowcrew.model.cleaning import clean_line
from rowcrew.model.errors import CrewError
from rowcrew.model.manifest import Manifest
from rowcrew.runner.wire import Ready, ToControl, Unloadable
from rowcrew.settings import Settings, runner_environment

SOLO_IDLE_SECONDS: Final = 60.0
LEAVING_SECONDS: Final = 2.0
"""How long hooks of user code may take when the worker leaves; all of a shutdown fits into 30 seconds."""
_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 10.0


class Runners:
    """Starts and replaces runner processes.

    Args:
        crew: targets that runners load, `module:crew`.
        message, died: where messages and deaths of runners go.
        takes_more: called when a runner has become able to take jobs.
    """

    def __init__(
        self,
        *,
        crew: list[str],
        settings: Settings,
        log: Log,
        message: Callable[[RunnerProcess, ToControl], None],
        died: Callable[[RunnerProcess, str], None],
        takes_more: Callable[[], None],
    ) -> None:
        self._crew = crew
        self._settings = settings
        self._log = log
        self._message = message
        self._died = died
        self._takes_more = takes_more
        self._environment = runner_environment(settings)
        self._wanted = min(settings.runners, settings.slots)
        self._all: list[RunnerProcess] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._failures = 0
        self._manifest: asyncio.Future[Manifest] = asyncio.get_running_loop().create_future()

    def __iter__(self) -> Iterator[RunnerProcess]:
        return iter(list(self._all))

    def start(self) -> None:
        for _ in range(self._wanted):
            self.add(solo=False)

    async def manifest(self) -> Manifest:
        """What the crew can run, as soon as the first runner has loaded it.

        Raises:
            CrewError: the crew cannot be loaded.
        """
        return await asyncio.shield(self._manifest)

    def shared(self) -> list[RunnerProcess]:
        return [runner for runner in self._all if runner.takes_jobs and not runner.solo]

    def idle_solo(self) -> RunnerProcess | None:
        return next((r for r in self._all if r.solo and r.takes_jobs and not r.runs), None)

    def solos_on_the_way(self) -> int:
        return sum(runner.solo and not runner.is_loaded and not runner.retiring for runner in self._all)

    def add(self, *, solo: bool) -> None:
        """Start a runner; it makes itself known when it is ready."""
        runner = RunnerProcess(solo=solo, slots=1 if solo else self._slots_left())
        self._all.append(runner)
        task = asyncio.create_task(self._live(runner), name=f"{'solo' if solo else 'shared'} runner")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def replace(self, runner: RunnerProcess) -> None:
        """Let a runner finish what it runs and start another in its place."""
        runner.retire()
        if not runner.solo:
            self.add(solo=False)

    def retire_idle_solos(self) -> None:
        """Keep one warm solo runner; others leave after a minute without work."""
        idle = [runner for runner in self._all if runner.solo and runner.takes_jobs and not runner.runs]
        for runner in idle[1:]:
            if time.monotonic() - runner.idle_since > SOLO_IDLE_SECONDS:
                runner.retire()

    def _slots_left(self) -> int:
        """The share of a new shared runner, so that all of them together have the worker's slots, no more."""
        shared = [runner for runner in self._all if not runner.solo and not runner.retiring]
        left = self._settings.slots - sum(runner.slots for runner in shared)
        return max(1, -(-left // max(1, self._wanted - len(shared))))

    async def close(self) -> None:
        """Ask all to leave, kill those that do not in time, wait until the last is gone."""
        self._closing.set()
        for runner in self._all:
            runner.retire()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LEAVING_SECONDS)
        for runner in self._all:
            runner.kill()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _live(self, runner: RunnerProcess) -> None:
        if not await self._start(runner):
            self._all.remove(runner)
            return
        started = time.monotonic()
        how, asked_to_leave = await runner.wait()
        self._all.remove(runner)
        if not self._manifest.done():
            self._manifest.set_exception(CrewError(f"a runner died while it loaded the crew: {how}"))
        expected = self._closing.is_set() or (asked_to_leave and runner.is_loaded)
        if expected:
            self._log.event("runner.ended", pid=runner.pid)
        else:
            self._log.event("runner.died", pid=runner.pid, reason=how)
        self._died(runner, how)
        if not expected and not runner.solo:
            await self._pause(time.monotonic() - started)
            if not self._closing.is_set():
                self.add(solo=False)

    async def _start(self, runner: RunnerProcess) -> bool:
        """Start its process, again and again while the machine has no room for one; false when closing."""
        while not self._closing.is_set():
            try:
                await runner.start(self._orders(), self._environment, receive=self._receive)
            except (OSError, RuntimeError) as error:
                self._log.event("runner.not_started", reason=clean_line(str(error)))
                await self._pause(0)
            else:
                return True
        return False

    async def _pause(self, lived_seconds: float) -> None:
        """A runner that dies as soon as it starts is not started again as fast as the machine can."""
        self._failures = 0 if lived_seconds > _LONGEST_PAUSE_SECONDS else self._failures + 1
        if self._failures > 1:
            seconds = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**self._failures)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), seconds)

    def _receive(self, runner: RunnerProcess, message: ToControl) -> None:
        match message:
            case Ready(manifest):
                if not self._manifest.done():
                    self._manifest.set_result(manifest)
                self._log.event("runner.started", pid=runner.pid, kind="solo" if runner.solo else "shared")
                self._takes_more()
            case Unloadable(error):
                if not self._manifest.done():
                    self._manifest.set_exception(CrewError(f"the crew cannot be loaded: {error}"))
                # A later one that finds the crew changed on disk is tried again like one that died.
                runner.retire()
            case _:
                self._message(runner, message)

    def _orders(self) -> dict[str, Any]:
        return {
            "crew": self._crew,
            "log_format": self._settings.log_format,
            "worker_name": self._settings.worker_name,
        }
