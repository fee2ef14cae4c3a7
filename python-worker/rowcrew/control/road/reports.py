"""Takes what runners say: notes, run times, ends, beginnings, and their own deaths.

In: messages and deaths from `children`. Out: ends to `ending`, notes to `notes`, limits to `stopping`, and a
word to `dispatch` when slots are free again.
"""

from __future__ import annotations

from rowcrew.control.children.runner import Runner
from rowcrew.control.clock import Clock
from rowcrew.control.ledger import Ledger
from rowcrew.control.road.backlog import Backlog
from rowcrew.control.road.dispatch import Dispatcher
from rowcrew.control.road.ending import Ending
from rowcrew.control.road.lines import Lines
from rowcrew.control.road.notes import Notes
from rowcrew.control.road.stopping import Stopping
from rowcrew.control.road.waiting import Waiting
from rowcrew.control.run import Run
from rowcrew.log import Log
from rowcrew.model.appetite import RunTimes
from rowcrew.model.outcome import Lost, Outcome, Released
from rowcrew.model.suspicion import is_blamed
from rowcrew.runner.wire import Note, Piece, Report


class Reports:
    """The desk at which runners report (`children.runners.Desk`)."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        waiting: Waiting,
        dispatcher: Dispatcher,
        ending: Ending,
        stopping: Stopping,
        notes: Notes,
        lines: Lines,
        backlog: Backlog,
        run_times: RunTimes,
        clock: Clock,
        log: Log,
    ) -> None:
        self._ledger = ledger
        self._waiting = waiting
        self._dispatcher = dispatcher
        self._ending = ending
        self._stopping = stopping
        self._notes = notes
        self._lines = lines
        self._backlog = backlog
        self._run_times = run_times
        self._clock = clock
        self._log = log

    def on_ready(self, runner: Runner) -> None:
        """A runner has loaded the crew."""
        self._backlog.introduce(runner)
        self._dispatcher.assign_waiting()

    def on_report(self, runner: Runner, report: Report) -> None:
        for note in report.notes:
            self._on_note(runner, note)
        for timing in report.timings:
            self._run_times.add(timing.type, timing.runs, timing.seconds)
        for lease_id, outcome in report.ended:
            if run := runner.runs.get(lease_id):
                self._ending.end(run, outcome)
        for lease_id in report.finished:
            if run := runner.runs.get(lease_id):
                run.finished()
        if report.ended or report.finished:
            runner.was_used = True
        if report.started:
            self._on_started(runner, report.started)
        self._ledger.changed.set()
        if self._waiting:
            self._dispatcher.assign_waiting()

    def on_said(self, pieces: list[Piece]) -> None:
        self._lines.add(pieces)

    def on_withdrawn(self, runner: Runner, lease_ids: list[str]) -> None:
        for lease_id in lease_ids:
            if run := runner.runs.get(lease_id):
                self._ending.end(run, Released("not started"))

    def on_death(self, runner: Runner, how: str) -> None:
        """Every run of a dead runner ends: the culprit's counts, the others' attempts are refunded."""
        runs = list(runner.runs.values())
        begun = sum([run.started_at is not None and not run.is_finished for run in runs])
        for run in runs:
            self._ending.end(run, _outcome_of_death(runner, run, begun, f"its runner died: {how}"))
        self._dispatcher.assign_waiting()

    def _on_started(self, runner: Runner, lease_ids: list[str]) -> None:
        now = self._clock.now()
        begun = [run for lease_id in lease_ids if (run := runner.runs.get(lease_id))]
        if len(begun) < len(lease_ids):
            for lease_id in set(lease_ids) - {run.job.lease_id for run in begun}:
                runner.stop(lease_id)
        self._log.jobs("job.processing", [run.job for run in begun])
        for run in begun:
            run.began(now)
            self._stopping.limit(run)

    def _on_note(self, runner: Runner, note: Note) -> None:
        if run := runner.runs.get(note.lease_id):
            run.noted(note.progress, note.checkpoint)
            self._notes.add(run)


def _outcome_of_death(runner: Runner, run: Run, begun: int, error: str) -> Outcome:
    if run.started_at is None:
        return Released("its runner died before it began")
    if run.is_finished:
        return Released("its runner died before its end was told")
    if runner.culprits and run.job.lease_id not in runner.culprits:
        return Released("its runner was stopped because of another job")
    return Lost(error, blamed=bool(runner.culprits) or is_blamed(begun, was_used=runner.was_used))
