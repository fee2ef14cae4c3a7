"""Joins the organs of a worker, starts them and stops them in reverse; the whole life of the process is here.

`process` runs a worker as a process of its own, with signals and an exit code; other programs embed one.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Coroutine
from typing import Any, Final

import psycopg
from tenacity import (
    AsyncRetrying,
    RetryError,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from rowcrew.control.dispatch import Dispatcher
from rowcrew.control.heartbeat import Heartbeat
from rowcrew.control.identity import Identity
from rowcrew.control.ledger import Ledger, Run, StopReason
from rowcrew.control.notes import Notes
from rowcrew.control.prune import Prune
from rowcrew.control.publish import publish
from rowcrew.control.record import LOCK_TIMEOUT, Recorder
from rowcrew.control.rescue import Rescue
from rowcrew.control.reserve import Reserver
from rowcrew.control.runners import Runners
from rowcrew.control.stopping import Stopping
from rowcrew.control.usage import Usage
from rowcrew.control.wake_up import WakeUp
from rowcrew.liveness import Liveness
from rowcrew.log import Log
from rowcrew.model.appetite import RunTimes
from rowcrew.model.cleaning import clean_text, describe
from rowcrew.model.errors import DatabaseUnavailable, SchemaMismatch
from rowcrew.model.job import Job
from rowcrew.settings import Settings
from rowcrew.table import worker as table
from rowcrew.table.compatibility import complaint
from rowcrew.table.link import Link, reason

LAST_CALL_SECONDS: Final = 2.0
_DEATH_SECONDS: Final = 5.0
_LAST_WRITES_SECONDS: Final = 5.0


class Worker:
    """One worker: serves the table from `start` to `stop`. Made inside a running event loop.

    Args:
        crew: what runners load, each as `module:crew`.
        settings: see `rowcrew.settings`; the queues and the number of slots among them.
    """

    def __init__(self, crew: list[str], settings: Settings, log: Log | None = None) -> None:
        self._crew = crew
        self._settings = settings
        self._log = log or Log(settings.log_format, worker=settings.worker_name)
        self._tasks: list[asyncio.Task[None]] = []
        self._acknowledging: set[asyncio.Task[None]] = set()
        self._state = "new"
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
        self._make_organs()
        self._tell_start()
        self._runners.start()
        try:
            await self._connect()
            self._log.event("rescue.checking")
            self._log.event("database.details", **self._chores_link.facts())
            await self._begin()
        except BaseException:
            await self._runners.close()
            await self._close_links()
            self._state = "stopped"
            raise
        self._state = "running"

    async def stop(self, reason: str = "stopped") -> None:
        """Reserve no more, let jobs end, give back the rest, leave. Stopping twice waits for the same end."""
        if self._state in ("new", "stopped"):
            return
        if self._state == "stopping":
            await self._stopped.wait()
            return
        self._state = "stopping"
        grace = self._settings.shutdown_grace_seconds
        self._log.event("worker.stopping", reason=reason, grace=grace)
        self._reserver.close()
        self._dispatcher.withdraw()
        await self._drain(grace)
        await self._runners.close()
        await self._last_writes(reason)
        for task in reversed(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._close_links()
        self._liveness.remove()
        self._state = "stopped"
        self._stopped.set()
        self._log.event("worker.stopped", reason=reason)

    def hurry(self) -> None:
        """Give running jobs no more time."""
        self._stopping.kill_all(StopReason.SHUTDOWN)

    def _make_organs(self) -> None:
        settings, log = self._settings, self._log
        address = settings.require_database_url()
        ledger = self._ledger = Ledger()
        run_times = RunTimes()
        self._reserve_link = Link(address, purpose="reserve", session={"synchronous_commit": "off"})
        self._record_link = Link(address, purpose="record", session={"lock_timeout": LOCK_TIMEOUT})
        self._chores_link = Link(address, purpose="chores")
        self._identity = Identity(link=self._chores_link, settings=settings, log=log)
        self._recorder = Recorder(
            link=self._record_link, identity=self._identity, ledger=ledger, log=log, stale=self._let_go
        )
        self._notes = Notes(link=self._chores_link, ledger=ledger, log=log)
        self._liveness = Liveness(settings.lease_seconds)
        self._usage = Usage(limit_bytes=settings.max_memory_bytes, log=log)
        self._dispatcher = Dispatcher(
            slots=settings.slots,
            ledger=ledger,
            log=log,
            run_times=run_times,
            ended=self._recorder.ended,
            taken=self._taken,
            began=lambda run: self._stopping.began(run),  # noqa: PLW0108 - made below
            noted=self._notes.noted,
        )
        self._stopping = Stopping(ledger=ledger, settings=settings, log=log, drop=self._dispatcher.drop)
        self._runners = Runners(
            crew=self._crew,
            settings=settings,
            log=log,
            message=self._dispatcher.on_message,
            died=self._dispatcher.on_death,
            takes_more=self._dispatcher.assign_waiting,
        )
        self._heartbeat = Heartbeat(
            link=self._chores_link,
            identity=self._identity,
            ledger=ledger,
            recorder=self._recorder,
            stopping=self._stopping,
            liveness=self._liveness,
            settings=settings,
            log=log,
            usage=self._usage.sample,
        )
        self._reserver = Reserver(
            link=self._reserve_link,
            identity=self._identity,
            ledger=ledger,
            dispatcher=self._dispatcher,
            heartbeat=self._heartbeat,
            run_times=run_times,
            settings=settings,
            log=log,
        )
        self._rescue = Rescue(link=self._chores_link, identity=self._identity, settings=settings, log=log)
        self._prune = Prune(
            link=self._chores_link, settings=settings, log=log, queue_limits=self._stopping.set_queue_limits
        )
        self._wake_up = WakeUp(
            address=settings.database_direct_url or address,
            identity=self._identity,
            log=log,
            ready=self._reserver.wake,
            changed=self._heartbeat.check_soon,
        )

    def _tell_start(self) -> None:
        settings, log = self._settings, self._log
        log.event("worker.starting", app_name=settings.app_name)
        log.event("worker.polling", seconds=settings.poll_seconds)
        log.event("worker.slots", slots=settings.slots)
        log.event("worker.id", worker_id=settings.worker_name)
        if settings.concurrency is not None and settings.max_concurrent_jobs is not None:
            log.event("settings.two_names", slots=settings.slots)

    async def _connect(self) -> None:
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(psycopg.OperationalError),
                wait=wait_random_exponential(multiplier=0.2, max=5),
                stop=stop_after_delay(self._settings.connect_timeout_seconds),
            ):
                with attempt:
                    rows = await table.schema_revision(self._chores_link)
        except RetryError as error:
            last = error.last_attempt.exception()
            raise DatabaseUnavailable(reason(last) if last else "no answer") from last
        except psycopg.errors.UndefinedTable as error:
            raise SchemaMismatch(complaint(None, None) or "") from error
        if problem := complaint(*(rows[0] if rows else (None, None))):
            raise SchemaMismatch(problem)
        self._log.event("database.connected")
        if self._chores_link.pooled:
            self._log.event("database.pooled")

    async def _begin(self) -> None:
        manifest = await self._runners.manifest()
        names = sorted(t.name for t in manifest.types)
        await publish(self._chores_link, manifest)
        await self._identity.enter(names)
        await self._rescue.at_start()
        await self._prune.read_queues()
        self._stopping.set_type_limits(manifest.types)
        self._recorder.set_backoffs(manifest.types)
        self._dispatcher.serve(self._runners, manifest.types)
        self._usage.watch(self._runners)
        self._reserver.serve(names)
        self._start_task("heartbeat", self._heartbeat.run())
        self._start_task("fence", self._heartbeat.watch())
        self._start_task("dispatch", self._dispatcher.watch())
        self._start_task("record", self._recorder.run())
        self._start_task("notes", self._notes.run())
        self._start_task("rescue", self._rescue.run())
        self._start_task("prune", self._prune.run())
        if not self._chores_link.pooled or self._settings.database_direct_url:
            self._start_task("wake-up", self._wake_up.run())
        self._start_task("reserve", self._reserver.run())
        queues = ", ".join(self._settings.queues) or "all"
        self._log.event("worker.ready", types=len(names), queues=queues)

    def _start_task(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._on_task_end)
        self._tasks.append(task)

    def _on_task_end(self, task: asyncio.Task[None]) -> None:
        """An organ that breaks is a bug of ours: say so and leave, others take over the jobs."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Something outside all jobs has broken; whoever runs this worker stops it."""
        trace = clean_text("".join(traceback.format_exception(error)))
        self._log.event("worker.crashed", error=describe(error), traceback=trace)
        if not self.failure.done():
            self.failure.set_result(error)

    def _taken(self, run: Run) -> None:
        """The run of a row that somebody changed is over: let the row go."""
        self._ledger.forget([run.job.lease_id])
        self._let_go(run.job)

    def _let_go(self, job: Job) -> None:
        task = asyncio.create_task(self._acknowledge(job))
        self._acknowledging.add(task)
        task.add_done_callback(self._acknowledging.discard)

    async def _acknowledge(self, job: Job) -> None:
        try:
            await table.ack(self._chores_link, id=job.id, lease_id=job.lease_id)
        except psycopg.Error as error:  # the row waits at most 30 seconds for it
            self._log.event("database.lost", purpose="acknowledge", reason=reason(error))

    async def _drain(self, grace_seconds: float) -> None:
        """Wait for running jobs, ask those that are left to end, kill those that do not.

        Platforms that kill after 30 seconds leave time for this and the last writes, with the default grace.
        """
        await self._all_ended(grace_seconds)
        self._stopping.stop_all(StopReason.SHUTDOWN)
        await self._all_ended(min(LAST_CALL_SECONDS, self._settings.cancel_grace_seconds))
        self._stopping.kill_all(StopReason.SHUTDOWN)
        await self._all_ended(_DEATH_SECONDS)

    async def _all_ended(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self._ledger.in_flight and (left := end - time.monotonic()) > 0:
            self._ledger.changed.clear()
            try:
                await asyncio.wait_for(self._ledger.changed.wait(), left)
            except TimeoutError:
                return

    async def _last_writes(self, why: str) -> None:
        """What cannot be written now is rescued by others."""
        try:
            async with asyncio.timeout(_LAST_WRITES_SECONDS):
                await self._reserver.quiet()
                await self._recorder.flushed()
                await asyncio.gather(*self._acknowledging)
                await self._identity.leave(why)
        except (TimeoutError, psycopg.Error) as error:
            self._log.event("database.lost", purpose="last writes", reason=reason(error))

    async def _close_links(self) -> None:
        for link in (self._reserve_link, self._record_link, self._chores_link):
            await link.close()
