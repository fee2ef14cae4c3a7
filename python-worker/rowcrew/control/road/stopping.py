"""Ends runs before their time: asks, waits for the grace, kills the runner.

In: a run and why. Called by timers of its own (limits), by `heartbeat` (a row changed by hand), by the fence
and at shutdown. Out: messages and signals to runners; the end comes back through `reports`.
"""

from __future__ import annotations

from typing import Final

from rowcrew.control.clock import Clock
from rowcrew.control.ledger import Ledger
from rowcrew.control.road.ending import Ending
from rowcrew.control.run import Handle, Run, StopReason
from rowcrew.log import Log, job_facts
from rowcrew.model.catalogue import Catalogue
from rowcrew.model.outcome import Released

LAST_CALL_SECONDS: Final = 2.0
_DEATH_SECONDS: Final = 5.0


class Stopping:
    """The only organ that asks a run to stop or kills a runner for its sake.

    Args:
        grace_seconds: what a run that was asked to stop gets before its runner is killed.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        ending: Ending,
        catalogue: Catalogue,
        grace_seconds: float,
        clock: Clock,
        log: Log,
    ) -> None:
        self._ledger = ledger
        self._ending = ending
        self._catalogue = catalogue
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._log = log

    def limit(self, run: Run) -> None:
        """Start the clock of a run that has begun and has a limit."""
        limit = self._catalogue.limit_seconds(run.job)
        if limit is not None and run.stop is None:
            run.limited(limit, self._clock.call_later(limit, self.stop, run, StopReason.TIMEOUT))

    def stop(self, run: Run, reason: StopReason) -> None:
        """Ask a run to end; kill its runner if it has not after the grace. Asking twice changes nothing."""
        if not run.asked_to_stop(reason):
            return
        if run.started_at is not None:
            self._log.event("job.stopping", reason=reason.value, **job_facts(run.job))
        if (runner := run.runner) is None:
            self._drop(run)
            return
        runner.stop(run.job.lease_id)
        if not run.is_finished:
            run.graced(self._clock.call_later(self._grace_seconds, self._kill, run, runner))

    def stop_all(self, reason: StopReason) -> None:
        for run in self._ledger:
            self.stop(run, reason)

    def kill_all(self, reason: StopReason) -> None:
        """End all runs at once, without asking."""
        for run in self._ledger:
            if run.is_over:
                continue
            run.asked_to_stop(reason)
            if run.runner is None:
                self._drop(run)
            else:
                run.runner.kill_for(run.job.lease_id)

    async def drain(self, grace_seconds: float, reason: StopReason = StopReason.SHUTDOWN) -> None:
        """Wait for running jobs, ask those that are left to end, kill those that do not.

        Platforms that kill after 30 seconds leave time for this and the last writes, with the default grace.
        """
        await self._all_over(grace_seconds)
        self.stop_all(reason)
        await self._all_over(min(LAST_CALL_SECONDS, self._grace_seconds))
        self.kill_all(reason)
        await self._all_over(_DEATH_SECONDS)

    async def _all_over(self, seconds: float) -> None:
        end = self._clock.now() + seconds
        while self._ledger.in_flight and (left := end - self._clock.now()) > 0:
            self._ledger.changed.clear()
            await self._clock.wait(self._ledger.changed, left)

    def _drop(self, run: Run) -> None:
        """End a run that no runner has yet."""
        self._ending.end(run, Released("stopped before it began"))

    def _kill(self, run: Run, runner: Handle) -> None:
        if not run.is_over:
            self._log.event(runner.killing, pid=runner.pid, reason=f"job {run.job.id} does not stop")
            runner.kill_for(run.job.lease_id)
