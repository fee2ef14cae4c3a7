"""Takes runs back that their runner does not begin in time: a handler holds its interpreter.

The runner, should it wake, begins none of them: it was told by when (see `runner.wire.Assign`).
"""

from __future__ import annotations

from rowcrew.control.children.runner import BEGIN_SECONDS, Runner
from rowcrew.control.children.runners import Runners
from rowcrew.control.clock import Clock
from rowcrew.control.road.ending import Ending
from rowcrew.control.road.waiting import Waiting
from rowcrew.log import Log
from rowcrew.model.outcome import Released


class TakeBackUnbegun:
    """The chore that looks every second whether runners begin what they are given."""

    name = "unbegun"
    period_seconds = 1.0
    jitter_seconds = 0.0

    def __init__(self, *, runners: Runners, waiting: Waiting, ending: Ending, clock: Clock, log: Log) -> None:
        self._runners = runners
        self._waiting = waiting
        self._ending = ending
        self._clock = clock
        self._log = log
        self._looked_at = clock.now()

    async def once(self) -> None:
        before, self._looked_at = self._looked_at, self._clock.now()
        # After control itself stood still, what runners said meanwhile is read before they are judged.
        if self._looked_at - before < 2 * self.period_seconds:
            for runner in self._runners:
                self._take_back(runner, self._looked_at)

    def _take_back(self, runner: Runner, now: float) -> None:
        in_time = now - BEGIN_SECONDS - self.period_seconds / 2
        late = [run for run in runner.runs.values() if run.started_at is None and run.assigned_at < in_time]
        if not late:
            return
        if runner.answered_at < late[0].assigned_at and not runner.is_silent:
            runner.is_silent = True
            self._log.event("runner.unresponsive", pid=runner.pid)
        for run in late:
            self._ending.end(run, Released("its runner did not begin it in time"))
        if not self._runners.shared():
            for run in list(self._waiting.shared):
                self._ending.end(run, Released("no runner answers"))
