"""A worker without processes, loops or time: every organ is there, and a test ticks the one it is about."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from rig.clock import MovedClock
from rig.table import Table
from rowcrew import settings
from rowcrew.control.children.processes import Processes
from rowcrew.control.children.runner import Kind, Runner
from rowcrew.control.children.runners import Runners
from rowcrew.control.links import Links
from rowcrew.control.organs import Organs
from rowcrew.control.road.appetite import Ask
from rowcrew.control.run import Run
from rowcrew.log import Log
from rowcrew.model.backoff import Backoff
from rowcrew.model.catalogue import Catalogue
from rowcrew.model.manifest import Manifest, TypeManifest
from rowcrew.model.outcome import Outcome
from rowcrew.model.stay import Limits
from rowcrew.runner.wire import Assign, Note, Report, Stop, Timing, ToRunner, Withdraw

MANIFEST = Manifest(
    types=(
        TypeManifest(name="quick", executor="async", backoff=Backoff(base_seconds=40, jitter=False)),
        TypeManifest(name="limited", executor="thread", timeout_seconds=7),
        TypeManifest(name="alone", executor="process"),
    )
)


class StandInRunner(Runner):
    """A runner without a process: what it is told stands in `heard`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.is_loaded = True
        self.kills = 0
        self.heard: list[ToRunner] = []

    @property
    def pid(self) -> int:
        return 4242

    def kill(self) -> None:
        self.kills += 1

    def was_killed(self) -> bool:
        return self.kills > 0

    def _send(self, message: ToRunner) -> None:
        self.heard.append(message)

    @property
    def assigned(self) -> list[str]:
        return [job.lease_id for message in self.heard if isinstance(message, Assign) for job in message.jobs]

    @property
    def told_to_stop(self) -> list[str]:
        return [message.lease_id for message in self.heard if isinstance(message, Stop)]

    @property
    def withdrawn(self) -> bool:
        return any(isinstance(message, Withdraw) for message in self.heard)


class StandInRunners(Runners):
    """Runners that are there as soon as they are asked for."""

    has_memory = True

    def has_memory_for_another(self) -> bool:
        return self.has_memory

    def add(self, kind: Kind) -> None:
        self._all.append(StandInRunner(kind=kind, slots=self._slots_of(kind), keeper=self, clock=self._clock))
        if self._desk is not None:
            self._desk.on_ready(self._all[-1])

    def leave(self, runner: Runner, how: str) -> None:
        """As if the process had died."""
        self._all.remove(runner)
        assert self._desk is not None
        self._desk.on_death(runner, how)


class Site:
    """One worker's organs around a test's table, with a clock that the test moves."""

    def __init__(self, database_url: str, *, limits: Limits | None = None, **given: Any) -> None:
        values = settings.read({"DATABASE_URL": database_url}, **given)
        self.table = Table(database_url)
        self.clock = MovedClock()
        self.output = io.StringIO()
        log = Log(values.log_format, self.output)
        self.links = Links(database_url, log)
        self.runners = StandInRunners(
            place=Processes([], values), settings=values, clock=self.clock, log=log, owns_process=False
        )
        self.catalogue = Catalogue(MANIFEST, default_limit=values.job_timeout_seconds)
        self.organs = Organs(
            settings=values,
            links=self.links,
            runners=self.runners,
            catalogue=self.catalogue,
            clock=self.clock,
            log=log,
            limits=limits,
            began=self.clock.now(),
        )
        self.road = self.organs.road
        self.runners.report_to(self.road.reports)

    async def open(self) -> None:
        await self.organs.identity.enter()
        self.runners.start()

    async def close(self) -> None:
        await self.road.letting_go.done()
        await self.links.close()
        self.table.close()

    def let_leave(self) -> None:
        """The processes of runners that were asked to leave, and have nothing to do, are gone."""
        for runner in self.all_runners:
            if runner.retiring and not runner.runs:
                self.runners.leave(runner, "left")

    @property
    def said(self) -> str:
        return self.output.getvalue()

    @property
    def runner(self) -> StandInRunner:
        """The only shared runner."""
        (runner,) = [runner for runner in self.all_runners if runner.kind == "shared"]
        return runner

    @property
    def all_runners(self) -> list[StandInRunner]:
        return [runner for runner in self.runners if isinstance(runner, StandInRunner)]

    def running(self, id: int) -> Run:
        (run,) = [run for run in self.road.ledger if run.job.id == id]
        return run

    async def reserve(self, room: int = 10) -> int:
        """One look for rows of any type."""
        return await self.organs.reserver.look(Ask(self.catalogue.names, room, 1))

    async def start(self, type: str = "quick", **columns: Any) -> Run:
        """A job that was enqueued, reserved, assigned, and begun by its runner."""
        id = self.table.enqueue(type, **columns)
        await self.reserve()
        run = self.running(id)
        self.began([run])
        return run

    def began(self, runs: Sequence[Run]) -> None:
        for run in runs:
            self._report(run, started=[run.job.lease_id])

    def ended(self, run: Run, outcome: Outcome) -> None:
        self._report(run, ended=[(run.job.lease_id, outcome)])

    def noted(self, run: Run, progress: bytes | None = None, checkpoint: bytes | None = None) -> None:
        self._report(run, notes=[Note(run.job.lease_id, progress, checkpoint)])

    def timed(self, type: str, runs: int, seconds: float) -> None:
        report = Report(started=[], ended=[], notes=[], timings=[Timing(type, runs, seconds)])
        self.road.reports.on_report(self.runner, report)

    async def finish(self, run: Run, outcome: Outcome) -> dict[str, Any]:
        """The run ends so and is recorded; its row."""
        self.ended(run, outcome)
        await self.road.recorder.once()
        return self.table.row(run.job.id)

    async def while_time_passes(self, work: Any) -> Any:
        """Await something that waits for the clock."""
        task = asyncio.ensure_future(work)
        while not task.done():
            self.clock.move(0.5)
            await asyncio.sleep(0.001)
        return task.result()

    def _report(self, run: Run, **said: Any) -> None:
        runner = run.runner
        assert isinstance(runner, Runner)
        everything: Mapping[str, Any] = {"started": [], "ended": [], "notes": [], "timings": [], **said}
        self.road.reports.on_report(runner, Report(**everything))


OpenSite = Callable[..., Awaitable[Site]]


@asynccontextmanager
async def sites(database_url: str) -> AsyncIterator[OpenSite]:
    """Makes workers with given settings, `await open_site(slots=…)`, and closes them in the end."""
    async with AsyncExitStack() as opened:

        async def open_site(**given: Any) -> Site:
            site = Site(database_url, **given)
            opened.push_async_callback(site.close)
            await site.open()
            return site

        yield open_site
