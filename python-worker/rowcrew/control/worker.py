"""One worker from start to stop: each step of the start stands beside what undoes it.

`main` runs a worker as a process of its own, with signals and an exit code; other programs embed one.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, Final

import psycopg

from rowcrew.control.children.leftovers import end_of_dead_workers
from rowcrew.control.children.processes import Processes
from rowcrew.control.children.runner import Place
from rowcrew.control.children.runners import Runners
from rowcrew.control.clock import MonotonicClock
from rowcrew.control.connecting import connect
from rowcrew.control.links import Links
from rowcrew.control.organs import Organs
from rowcrew.control.publish import publish
from rowcrew.control.run import StopReason
from rowcrew.log import Log
from rowcrew.model.catalogue import Catalogue
from rowcrew.model.cleaning import clean_text, describe
from rowcrew.model.errors import RowcrewError
from rowcrew.model.stay import Limits, WhyStopped, described
from rowcrew.settings import Settings, Supervisor
from rowcrew.table.link import reason

if TYPE_CHECKING:
    from rowcrew.control.health import Health, WorkerHealth

_LAST_WRITES_SECONDS: Final = 5.0
_LEAVE_SECONDS: Final = 1.0


class Worker:
    """One worker: serves the table from `start` to `stop`. Made inside a running event loop.

    Args:
        crew: what runners load, each as `module:crew`.
        settings: see `rowcrew.settings`; the queues and the number of slots among them.
        on_failure: is told when something outside all jobs has broken and the worker has stopped itself.
        owns_process: whether the process is this worker's alone, and no program's that embeds it.
        supervisor: what started the process and wants to hear how the worker does.
        agent: the address of the agent of ECS, if the process is a task there.
        place: where its runners live; None = in processes of their own.
        leaves_after_seconds: the most that a worker that comes and goes may stay, whatever its settings and
            queues say.

    Attributes:
        failure: has a result as soon as something outside all jobs has broken.
        why_stopped: the reason, once it is stopping.
    """

    def __init__(
        self,
        crew: list[str],
        settings: Settings,
        log: Log | None = None,
        *,
        on_failure: Callable[[BaseException], None] | None = None,
        owns_process: bool = False,
        supervisor: Supervisor | None = None,
        agent: str | None = None,
        place: Place | None = None,
        leaves_after_seconds: float | None = None,
    ) -> None:
        self._crew = crew
        self._settings = settings
        self._log = log or Log(settings.log_format, worker=settings.worker_name)
        self._clock = MonotonicClock()
        self._began = self._clock.now()
        self._organs: Organs | None = None
        self._health: Health | None = None
        self._life = AsyncExitStack()
        self._state = "new"
        self.why_stopped: WhyStopped | None = None
        self._stop_began = 0.0
        self._on_failure = on_failure
        self._owns_process = owns_process
        self._supervisor = supervisor
        self._agent = agent
        self._place = place or Processes(crew, settings)
        self._leaves_after_seconds = leaves_after_seconds
        self._stopping_itself: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()
        self.failure: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        """Connect, load the crew, enter the worker and begin to reserve. Starting twice changes nothing.

        Raises:
            DatabaseUnavailable: no connection within DB_CONNECT_TIMEOUT.
            SchemaMismatch: the tables are missing or of another version.
            CrewError: the crew cannot be loaded.
        """
        if self._state != "new":
            return
        self._state = "starting"
        try:
            await self._begin(self._life)
        except BaseException as error:
            self.why_stopped = "error" if isinstance(error, Exception) else "signal"
            await self._life.aclose()
            self._state = "stopped"
            raise
        self._state = "running"
        if self.failure.done():
            self._stop_itself()

    async def stop(self, reason: WhyStopped = "drained") -> None:
        """Reserve no more, let jobs end, give back the rest, leave. Stopping twice waits for the same end."""
        if self._state in ("new", "stopped"):
            return
        if self._state == "stopping":
            await self._stopped.wait()
            return
        self._state, self.why_stopped, self._stop_began = "stopping", reason, self._clock.now()
        self._log.event("worker.stopping", reason=reason, grace=self._settings.shutdown_grace_seconds)
        await self._life.aclose()
        self._state = "stopped"
        self._stopped.set()
        self._log.event("worker.stopped", reason=reason)

    @property
    def taken(self) -> int:
        """How many jobs it has reserved so far."""
        return 0 if self._organs is None else self._organs.road.ledger.taken

    async def health(self) -> WorkerHealth:
        """How this worker does, for a program that embeds it and answers for its health.

        Raises:
            RowcrewError: the worker has not been started.
        """
        if self._organs is None:
            raise RowcrewError("the worker has not been started: await start() first")
        if self._health is None:
            self._health = self._organs.health()
        return await self._health.look(is_stopping=self._state != "running")

    async def stopped(self) -> None:
        """Wait until it has stopped, for whatever reason."""
        await self._stopped.wait()

    def hurry(self) -> None:
        """Give running jobs no more time, and start no runner in place of those that go with them."""
        if self._organs is not None:
            self._organs.runners.start_none()
            self._organs.road.stopping.kill_all(StopReason.SHUTDOWN)

    def fail(self, error: BaseException) -> None:
        """Something outside all jobs has broken: others take the jobs, and the host is told."""
        trace = clean_text("".join(traceback.format_exception(error)))
        self._log.event("worker.crashed", error=describe(error), traceback=trace)
        if not self.failure.done():
            self.failure.set_result(error)
        if self._state == "running":
            self._stop_itself()

    def _stop_itself(self) -> None:
        """A dead organ beside a living heartbeat would keep its jobs for ever."""
        self._stopping_itself = asyncio.create_task(self._stop_and_tell())

    def _on_terminated(self, _: asyncio.Future[None]) -> None:
        """An operator has asked it to stop: no heartbeat waits for what follows."""
        self._stopping_itself = asyncio.create_task(self.stop())

    def _on_stay_over(self, over: asyncio.Future[WhyStopped]) -> None:
        self._stopping_itself = asyncio.create_task(self.stop(over.result()))

    async def _stop_and_tell(self) -> None:
        await self.stop("error")
        error = self.failure.result()
        if self._on_failure is not None and error is not None:
            self._on_failure(error)

    async def _begin(self, life: AsyncExitStack) -> None:
        """Every step, each with what undoes it: `life` unwinds in reverse, from wherever it came to."""
        self._log.start()
        life.callback(self._log.stop)
        self._tell_start()
        links = Links(self._settings.require_database_url(), self._log)
        life.push_async_callback(links.close)
        runners = Runners(
            place=self._place,
            settings=self._settings,
            clock=self._clock,
            log=self._log,
            owns_process=self._owns_process,
        )
        runners.start()
        life.push_async_callback(runners.close)
        await connect(links.chores, within_seconds=self._settings.connect_timeout_seconds, log=self._log)
        organs = self._organs = await self._make_organs(links, runners)
        await self._enter(organs)
        await self._listen(life)
        life.callback(organs.liveness.remove)
        tasks = [self._start_task(name, run()) for name, run in organs.loops()]
        life.push_async_callback(self._cancel, tasks)
        life.push_async_callback(self._last_writes, organs)
        runners.report_to(organs.road.reports)
        life.push_async_callback(runners.close)  # before the last writes: a killed run has an end as well
        life.push_async_callback(self._drain, organs)
        life.callback(organs.road.dispatcher.withdraw)
        life.callback(organs.reserver.close)
        if organs.supervision is not None:
            life.callback(organs.supervision.stopping)
        self._tell_ready(organs)
        organs.requests.terminated.add_done_callback(self._on_terminated)
        if organs.stay is not None:
            organs.stay.over.add_done_callback(self._on_stay_over)

    async def _make_organs(self, links: Links, runners: Runners) -> Organs:
        manifest = await runners.manifest()
        await publish(links.chores, manifest, crew=" ".join(self._crew))
        catalogue = Catalogue(manifest, default_limit=self._settings.job_timeout_seconds)
        return Organs(
            settings=self._settings,
            links=links,
            runners=runners,
            catalogue=catalogue,
            clock=self._clock,
            log=self._log,
            supervisor=self._supervisor,
            agent=self._agent,
            limits=await self._limits(links),
            began=self._began,
        )

    async def _listen(self, life: AsyncExitStack) -> None:
        if self._settings.health_port is None:
            return
        from rowcrew.control.health import listen

        server = await listen(self._settings.health_port, self.health)
        life.callback(server.close)

    async def _limits(self, links: Links) -> Limits | None:
        """What ends this worker's stay; None = it stays."""
        if not self._settings.ephemeral:
            return None
        from rowcrew.control.stay import limits_of_stay

        limits = await limits_of_stay(self._settings, links.chores)
        return limits.within(self._leaves_after_seconds)

    async def _enter(self, organs: Organs) -> None:
        with suppress(OSError, RuntimeError):  # no descriptor or thread is left: the next worker here looks
            if programs := await asyncio.to_thread(end_of_dead_workers):
                self._log.event("worker.leftovers", programs=programs)
        await organs.identity.enter()
        await organs.rescue.at_start()
        await organs.queues.at_start()

    def _start_task(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._on_task_end)
        return task

    def _on_task_end(self, task: asyncio.Task[None]) -> None:
        """An organ that breaks is a bug of ours: say so and leave, others take over the jobs."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    async def _cancel(self, tasks: list[asyncio.Task[None]]) -> None:
        """All at once: to cancel a call on a dead connection can take as long as its deadline."""
        for task in reversed(tasks):
            task.cancel()
        await asyncio.wait(tasks)

    async def _drain(self, organs: Organs) -> None:
        is_out_of_time = self.why_stopped == "max_runtime"
        await organs.road.stopping.drain(
            self._settings.shutdown_grace_seconds,
            StopReason.OUT_OF_TIME if is_out_of_time else StopReason.SHUTDOWN,
        )

    async def _last_writes(self, organs: Organs) -> None:
        """A row that somebody has locked is waited for within the grace; what is left others rescue."""
        grace_left = self._stop_began + self._settings.shutdown_grace_seconds - self._clock.now()
        flush_seconds = max(_LAST_WRITES_SECONDS, grace_left)
        if await self._in_time(organs.reserver.quiet(), _LAST_WRITES_SECONDS) and await self._in_time(
            organs.road.recorder.flushed(), flush_seconds
        ):
            await self._in_time(organs.road.letting_go.done(), _LAST_WRITES_SECONDS)
        await self._in_time(organs.stats.once(), _LEAVE_SECONDS)
        await self._in_time(organs.road.lines.once(), _LEAVE_SECONDS)
        await self._in_time(organs.identity.leave(self.why_stopped or "error"), _LEAVE_SECONDS)

    async def _in_time(self, work: Coroutine[Any, Any, None], seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await work
        except (TimeoutError, psycopg.Error) as error:
            self._log.event("database.lost", purpose="last writes", reason=reason(error))
            return False
        return True

    def _tell_start(self) -> None:
        settings, log = self._settings, self._log
        log.event("worker.starting", app_name=settings.app_name)
        log.event("worker.polling", seconds=settings.poll_seconds)
        log.event("worker.slots", slots=settings.slots)
        log.event("worker.id", worker_id=settings.worker_name)
        if settings.concurrency is not None and settings.max_concurrent_jobs is not None:
            log.event("settings.two_names", slots=settings.slots)

    def _tell_ready(self, organs: Organs) -> None:
        queues = ", ".join(self._settings.queues) or "all"
        self._log.event("worker.ready", types=len(organs.identity.types), queues=queues)
        if organs.stay is not None:
            self._log.event("worker.ephemeral", limits=described(organs.stay.limits))
