"""Hands reserved jobs to runners and takes their ends.

In: jobs from `reserve`, messages and deaths from `runners`. Out: assignments, and every end as an outcome to
`record`. A run that was asked to stop ends as its stop reason says, whatever its handler made of it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from rowcrew.control.ledger import Ledger, Run, StopReason
from rowcrew.control.runner_process import BEGIN_SECONDS, RunnerProcess
from rowcrew.control.runners import Runners
from rowcrew.log import Log
from rowcrew.model.appetite import RunTimes
from rowcrew.model.job import Job
from rowcrew.model.manifest import TypeManifest
from rowcrew.model.outcome import Cancelled, Completed, Errored, Lost, Outcome, Recorded, Released, Snoozed
from rowcrew.runner.wire import Note, Report, ToControl, Withdrawn

_WATCH_SECONDS: Final = 1.0


class Dispatcher:
    """Args:
    slots: runs at once, over all runners.
    ended: takes a run and its outcome, to be recorded.
    taken: takes a run that ended after its row had been changed by somebody else.
    began: told of each run that a runner has begun.
    noted: told of each run with new progress or a new checkpoint.
    """

    def __init__(
        self,
        *,
        slots: int,
        ledger: Ledger,
        log: Log,
        run_times: RunTimes,
        ended: Callable[[Run, Outcome], None],
        taken: Callable[[Run], None],
        began: Callable[[Run], None],
        noted: Callable[[Run], None],
    ) -> None:
        self._slots = slots
        self._ledger = ledger
        self._log = log
        self._run_times = run_times
        self._ended = ended
        self._taken = taken
        self._began = began
        self._noted = noted
        self._types: dict[str, TypeManifest] = {}
        self._withdrawn = False
        self._waiting_for_solo: deque[Run] = deque()
        self._waiting_for_shared: deque[Run] = deque()
        self._runners: Runners | None = None

    def serve(self, runners: Runners, types: Iterable[TypeManifest]) -> None:
        """Begin with these runners and types."""
        self._runners = runners
        self._types = {manifest.name: manifest for manifest in types}

    @property
    def waits(self) -> bool:
        """Whether reserved jobs wait for a runner."""
        return bool(self._waiting_for_solo or self._waiting_for_shared)

    @property
    def takes_ahead(self) -> bool:
        """Whether to reserve ahead: not while jobs wait, nor while a solo or a leaving runner is at work.

        The other runners have all slots, and begin what they hold as soon as one of theirs is free: they
        do not know that a run elsewhere has taken one.
        """
        return not self.waits and not any(
            (runner.solo or runner.retiring) and runner.runs for runner in self._runners or ()
        )

    @property
    def takes_jobs(self) -> bool:
        """Whether a shared runner is there that answers; solo ones are started when needed."""
        return self._runners is not None and bool(self._runners.shared())

    def is_short(self, type: str) -> bool:
        return self._run_times.is_short(type) and self._executor(type) != "process"

    def take(self, jobs: Sequence[Job]) -> None:
        """Dispatch newly reserved jobs; after `withdraw` give them back."""
        self._log.jobs("job.reserved", jobs)
        types = {job.type for job in jobs}
        solo = {type for type in types if self._executor(type) == "process"}
        for run in self._ledger.add(jobs, {type for type in types if not self.is_short(type)}):
            alone = run.job.runs_alone or run.job.type in solo
            (self._waiting_for_solo if alone else self._waiting_for_shared).append(run)
        if self._withdrawn:
            self.withdraw()
        self.assign_waiting()

    def assign_waiting(self) -> None:
        """Give waiting runs to runners that have become free."""
        if self._runners is None:
            return
        self._ledger.changed.set()
        if self._waiting_for_shared:
            self._assign_shared(self._runners.shared())
        if self._waiting_for_solo:
            self._assign_solo(self._runners)

    def on_message(self, runner: RunnerProcess, message: ToControl) -> None:
        match message:
            case Report():
                self._on_report(runner, message)
            case Withdrawn(lease_ids):
                for lease_id in lease_ids:
                    if run := runner.runs.get(lease_id):
                        self._end(run, Released("not started"))

    def on_death(self, runner: RunnerProcess, how: str) -> None:
        """Every run of a dead runner ends: the culprit's counts, the others' attempts are refunded."""
        runs = list(runner.runs.values())
        begun = [run for run in runs if run.started_at is not None]
        for run in runs:
            self._end(run, self._outcome_of_death(runner, run, len(begun), f"its runner died: {how}"))
        self.assign_waiting()

    def withdraw(self) -> None:
        """Take back everything that has not begun, and what a reserve under way still brings."""
        self._withdrawn = True
        for waiting in (self._waiting_for_shared, self._waiting_for_solo):
            while waiting:
                self._end(waiting[0], Released("not started"))
        for runner in self._runners or ():
            if runner.runs:
                runner.withdraw()

    def drop(self, run: Run) -> bool:
        """End a run that no runner has yet; whether it was one."""
        if run.runner is None and not run.ended:
            self._end(run, Released("stopped before it began"))
            return True
        return False

    def _executor(self, type: str) -> str:
        return self._types[type].executor

    def _assign_shared(self, runners: list[RunnerProcess]) -> None:
        """To the runner with the fewest runs; long runs only to free slots, short ones may wait there."""
        waiting = self._waiting_for_shared
        if len(runners) == 1 and not any(run.is_long for run in waiting):
            runners[0].assign(list(waiting))
            waiting.clear()
            return
        shares: dict[RunnerProcess, list[Run]] = {runner: [] for runner in runners}
        while waiting and shares:
            runner = min(shares, key=lambda runner: len(runner.runs) + len(shares[runner]))
            if waiting[0].is_long and len(runner.runs) + len(shares[runner]) >= runner.slots:
                break
            shares[runner].append(waiting.popleft())
        for runner, share in shares.items():
            if share:
                runner.assign(share)

    def _assign_solo(self, runners: Runners) -> None:
        waiting = self._waiting_for_solo
        free = self._slots - (self._ledger.in_flight - len(waiting))
        while waiting and free > 0 and (runner := runners.idle_solo()):
            runner.assign([waiting.popleft()])
            free -= 1
        for _ in range(min(len(waiting), free) - runners.solos_on_the_way()):
            runners.add(solo=True)

    async def watch(self) -> None:
        """Look every second whether runners begin what they are given."""
        looked_at = time.monotonic()
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            now = time.monotonic()
            # After control itself stood still, what runners said meanwhile is read before they are judged.
            if now - looked_at < 2 * _WATCH_SECONDS:
                for runner in self._runners or ():
                    self._take_back(runner, now)
            looked_at = now

    def _take_back(self, runner: RunnerProcess, now: float) -> None:
        """Runs that were not begun in time go elsewhere; the runner, should it wake, begins none of them."""
        in_time = now - BEGIN_SECONDS - _WATCH_SECONDS / 2
        late = [run for run in runner.runs.values() if run.started_at is None and run.assigned_at < in_time]
        if not late:
            return
        if runner.answered_at < late[0].assigned_at and not runner.is_silent:
            runner.is_silent = True
            self._log.event("runner.unresponsive", pid=runner.pid)
        for run in late:
            self._end(run, Released("its runner did not begin it in time"))
        while self._waiting_for_shared and not self.takes_jobs:
            self._end(self._waiting_for_shared[0], Released("no runner answers"))

    def _on_report(self, runner: RunnerProcess, report: Report) -> None:
        for note in report.notes:
            self._on_note(runner, note)
        for timing in report.timings:
            self._run_times.add(timing.type, timing.runs, timing.seconds)
        for lease_id, outcome in report.ended:
            if run := runner.runs.get(lease_id):
                self._end(run, outcome)
        if report.started:
            self._on_started(runner, report.started)
        self._ledger.changed.set()
        if self.waits:
            self.assign_waiting()

    def _on_started(self, runner: RunnerProcess, lease_ids: list[str]) -> None:
        now = time.monotonic()
        begun = [run for lease_id in lease_ids if (run := runner.runs.get(lease_id))]
        if len(begun) < len(lease_ids):
            for lease_id in set(lease_ids) - {run.job.lease_id for run in begun}:
                runner.stop(lease_id)
        self._log.jobs("job.processing", [run.job for run in begun])
        for run in begun:
            run.started_at = now
            self._began(run)

    def _on_note(self, runner: RunnerProcess, note: Note) -> None:
        if run := runner.runs.get(note.lease_id):
            run.progress = note.progress or run.progress
            run.checkpoint = note.checkpoint or run.checkpoint
            self._noted(run)

    def _outcome_of_death(self, runner: RunnerProcess, run: Run, begun: int, error: str) -> Outcome:
        if run.started_at is None:
            return Released("its runner died before it began")
        if runner.culprits and run.job.lease_id not in runner.culprits:
            return Released("its runner was stopped because of another job")
        return Lost(error, blamed=bool(runner.culprits) or begun == 1)

    def _end(self, run: Run, outcome: Outcome) -> None:
        if run.ended:
            return
        if run.runner is not None:
            run.runner.ended(run.job.lease_id)
        else:
            for waiting in (self._waiting_for_shared, self._waiting_for_solo):
                if run in waiting:
                    waiting.remove(run)
        self._ledger.end(run)
        if run.stop is None or isinstance(outcome, Recorded):  # a commit may be seen before it is reported
            self._ended(run, outcome)
        elif run.stop is StopReason.TAKEN:
            self._taken(run)
        else:
            self._ended(run, self._as_stopped(run, outcome))

    def _as_stopped(self, run: Run, outcome: Outcome) -> Outcome:
        """What a run that was asked to stop ends as; one that ended by itself meanwhile keeps its end."""
        match outcome:
            case Completed() | Recorded() | Snoozed() | Cancelled():
                return outcome
            case Errored() | Lost() | Released():
                pass
        match run.stop:
            case StopReason.TIMEOUT:
                memory = getattr(outcome, "memory_bytes", None)
                return Errored(
                    f"TimeoutError: ran longer than {run.limit_seconds:g} seconds", memory_bytes=memory
                )
            case StopReason.SHUTDOWN | StopReason.FENCED:
                return Released(run.stop.value)
            case _:
                return outcome
