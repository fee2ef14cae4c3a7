"""The runner's loop: takes jobs, runs at most `slots` of them at once, answers with what happened.

In: messages from control. Out: one `Report` for each turn of the event loop in which something happened. A
run is announced before it begins, so that a death is blamed on the runs that were going on and on no other.
"""

from __future__ import annotations

import asyncio
import decimal
import gc
import sys
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Final

from rowcrew.crew import Crew, HandledType
from rowcrew.model.cleaning import describe
from rowcrew.model.job import Job
from rowcrew.model.outcome import Errored, Outcome, Released
from rowcrew.observers import Observed
from rowcrew.runner.clean_context import clean_context
from rowcrew.runner.invoke import STOPPED, facts, invoke
from rowcrew.runner.port import Port
from rowcrew.runner.untold import Untold
from rowcrew.runner.wire import Report, Timing, ToControl, Withdrawn

NOTES_SECONDS: Final = 0.1
GARBAGE_SECONDS: Final = 1.0


class RunnerLoop:
    """The event loop's side of a runner: it runs the jobs of a crew, on the loop it was made in."""

    def __init__(
        self,
        *,
        crew: Crew,
        slots: int,
        threads: Executor,
        database_url: str,
        queue: str | None,
        send: Callable[[ToControl], None],
        clock: Callable[[], float] = time.monotonic,
        between_runs: Callable[[], None] = lambda: None,
        after_run: Callable[[str], None] = lambda _: None,
        before_ends: Callable[[], None] = lambda: None,
        is_clogged: Callable[[], bool] = lambda: False,
    ) -> None:
        self._crew = crew
        self._observers = crew.observers
        self._slots = slots
        self._threads = threads
        self._database_url = database_url
        self._queue = queue
        self._send = send
        self._clock = clock
        self._between_runs = between_runs
        self._after_run = after_run
        self._before_ends = before_ends
        self._loop = asyncio.get_running_loop()
        # What runs begin with. The loop's own steps take it too: most are planned from inside a run.
        self._context, self._decimal = clean_context()
        self._waiting: deque[tuple[Job, float]] = deque()
        self._runs: dict[str, Port] = {}
        self._untold = Untold(is_clogged=is_clogged)
        self._timings: dict[str, tuple[int, float]] = {}
        self._turn_planned = False
        self._notes_timer: asyncio.TimerHandle | None = None
        self._garbage_timer: asyncio.TimerHandle | None = None

    def assign(self, jobs: list[Job], begin_by: float) -> None:
        self._waiting.extend((job, begin_by) for job in jobs)
        self._plan_turn()

    def withdraw(self) -> None:
        """Give back what has not begun."""
        self._send(Withdrawn([job.lease_id for job, _ in self._waiting]))
        self._waiting.clear()

    def stop(self, lease_id: str) -> None:
        """Ask one run to end: async handlers are cancelled, plain ones hear it when they tell progress."""
        if port := self._runs.get(lease_id):
            port.stopping = True
            if port.cancellable and port.task is not None:
                port.task.cancel()
        elif waiting := next((pair for pair in self._waiting if pair[0].lease_id == lease_id), None):
            self._waiting.remove(waiting)
            self._end(lease_id, Released("stopped before it began"))

    def give_up(self) -> None:
        """Cancel every run, and begin none that waits: nobody hears what becomes of them."""
        self._waiting.clear()
        for port in self._runs.values():
            port.stopping = True
            if port.cancellable and port.task is not None:
                port.task.cancel()

    def press(self, is_high: bool) -> None:
        """Keep large values from now on, or send them again."""
        self._untold.is_pressed = is_high
        self.go_on()

    def go_on(self) -> None:
        """There may be room again for what waits."""
        if self._untold.is_due:
            self._plan_turn()

    def _plan_turn(self) -> None:
        if not self._turn_planned:
            self._turn_planned = True
            self._loop.call_soon(self._turn, context=self._context)

    def _turn(self) -> None:
        self._turn_planned = False
        beginning = self._next_jobs()
        ended, notes, finished = self._untold.take()
        if self._notes_timer is not None and not self._untold.has_notes:
            self._notes_timer.cancel()
            self._notes_timer = None
        if ended or finished:
            self._before_ends()
        if beginning or ended or notes or finished:
            started = [job.lease_id for job in beginning]
            self._send(Report(started, ended, notes, self._take_timings(), finished))
        if beginning and not self._runs:
            with suppress(Exception):  # these runs are announced: whatever user code did, they begin
                self._between_runs()
        for job in beginning:
            self._begin(job)
        self.go_on()

    def _next_jobs(self) -> list[Job]:
        """Jobs for the free slots. What waited for too long may be elsewhere by now: it goes back."""
        waiting, now = self._waiting, self._clock()
        jobs: list[Job] = []
        late: list[str] = []
        while waiting and len(self._runs) + len(jobs) < self._slots:
            job, begin_by = waiting.popleft()
            if now <= begin_by:
                jobs.append(job)
            else:
                late.append(job.lease_id)
        if late:
            self._send(Withdrawn(late))
        return jobs

    def _begin(self, job: Job) -> None:
        handled = self._crew.types.get(job.type)
        if handled is None:
            self._end(job.lease_id, Errored(f"no handler for type {job.type!r} in this crew"))
            return
        port = Port(job, self._crew, self._database_url, self._queue, self._note)
        self._runs[job.lease_id] = port
        # Made by hand: user code may have given the loop a task factory, and that may raise.
        port.task = asyncio.Task(
            self._run(job, handled, port), loop=self._loop, name=job.type, context=self._context.copy()
        )

    async def _run(self, job: Job, handled: HandledType, port: Port) -> None:
        started = time.perf_counter()
        if self._decimal is not None:  # one object that handlers change, which copies of a context share
            decimal.setcontext(self._decimal.copy())
        try:
            outcome: Outcome = STOPPED
            if not port.stopping:
                if self._observers:
                    port.observed = Observed(self._observers, job, facts(job))
                port.cancellable = handled.is_async
                outcome = await invoke(job, handled, port, self._threads)
                port.cancellable = False  # a commit under way is not broken off
                if port.in_transaction:
                    outcome = await port.end_transaction(outcome)
                outcome = port.with_children(outcome)
        except Exception as error:  # such as too many bytes of children; a run without an end keeps its slot
            outcome = Errored(describe(error))
            port.raised(error)
        if port.observed is not None:
            port.observed.end(outcome)
        self._add_timing(job.type, time.perf_counter() - started)
        del self._runs[job.lease_id]
        self._after_run(job.lease_id)
        self._end(job.lease_id, outcome, port)
        if self._garbage_timer is None:
            self._garbage_timer = self._loop.call_later(
                GARBAGE_SECONDS, self._collect_garbage, context=self._context
            )

    def _end(self, lease_id: str, outcome: Outcome, port: Port | None = None) -> None:
        self._untold.end(lease_id, outcome, port)
        self._plan_turn()

    def _note(self, port: Port) -> None:
        """Called from the loop and from threads, maybe a million times before the loop has its turn."""
        if port.is_noted:
            return
        port.is_noted = True
        self._loop.call_soon_threadsafe(self._keep_note, port, context=self._context)

    def _keep_note(self, port: Port) -> None:
        """Notes go with the next report, or soon: a handler may tell progress a thousand times a second."""
        self._untold.note(port)
        if self._notes_timer is None:
            self._notes_timer = self._loop.call_later(NOTES_SECONDS, self._plan_turn, context=self._context)

    def _collect_garbage(self) -> None:
        """Little garbage may hold much, such as a file; by the count of objects it would stay for long.

        Printed text that ends without a new line goes out here.
        """
        self._garbage_timer = None
        gc.collect(1)
        with suppress(Exception):
            sys.stdout.flush()

    def _add_timing(self, type: str, seconds: float) -> None:
        runs, total = self._timings.get(type, (0, 0.0))
        self._timings[type] = (runs + 1, total + seconds)

    def _take_timings(self) -> list[Timing]:
        timings, self._timings = self._timings, {}
        return [Timing(type, runs, seconds) for type, (runs, seconds) in timings.items()]
