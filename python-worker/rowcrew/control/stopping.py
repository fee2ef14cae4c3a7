"""Ends runs before their time: asks, waits for the grace, kills the runner.

In: a run and why. Called by timers of its own (timeouts), by `heartbeat` (a row changed by hand, the fence)
and by `worker` (shutdown). Out: messages and signals to runners; the end comes back through `dispatch`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from rowcrew.control.ledger import Ledger, Run, StopReason
from rowcrew.control.runner_process import RunnerProcess
from rowcrew.log import Log, job_facts
from rowcrew.model.manifest import TypeManifest
from rowcrew.settings import Settings


class Stopping:
    """Args:
    drop: ends a run that no runner has yet; answers whether it was one.
    """

    def __init__(self, *, ledger: Ledger, settings: Settings, log: Log, drop: Callable[[Run], bool]) -> None:
        self._ledger = ledger
        self._log = log
        self._drop = drop
        self._grace_seconds = settings.cancel_grace_seconds
        self._default_limit = settings.job_timeout_seconds
        self._type_limits: dict[str, float] = {}
        self._queue_limits: dict[str, float] = {}

    def set_type_limits(self, types: Iterable[TypeManifest]) -> None:
        self._type_limits = {t.name: t.timeout_seconds for t in types if t.timeout_seconds is not None}

    def set_queue_limits(self, limits: Mapping[str, float]) -> None:
        self._queue_limits = dict(limits)

    def began(self, run: Run) -> None:
        """Start the clock of a run that has a limit: its row's, its type's, its queue's or everybody's."""
        job = run.job
        limit = (
            job.timeout_seconds
            or self._type_limits.get(job.type)
            or self._queue_limits.get(job.queue)
            or self._default_limit
        )
        if limit is not None and run.stop is None:
            run.limit_seconds = limit
            run.timer = asyncio.get_running_loop().call_later(limit, self.stop, run, StopReason.TIMEOUT)

    def stop(self, run: Run, reason: StopReason) -> None:
        """Ask a run to end; kill its runner if it has not after the grace. Asking twice changes nothing."""
        if run.ended or run.stop is not None:
            return
        run.stop = reason
        if run.started_at is not None:
            self._log.event("job.stopping", reason=reason.value, **job_facts(run.job))
        if run.timer is not None:
            run.timer.cancel()
        if self._drop(run) or run.runner is None:
            return
        run.runner.stop(run.job.lease_id)
        run.timer = asyncio.get_running_loop().call_later(self._grace_seconds, self._kill, run, run.runner)

    def stop_all(self, reason: StopReason) -> None:
        for run in self._ledger:
            self.stop(run, reason)

    def kill_all(self, reason: StopReason) -> None:
        """End all runs at once, without asking."""
        for run in self._ledger:
            if run.ended:
                continue
            run.stop = run.stop or reason
            if not self._drop(run) and run.runner is not None:
                run.runner.culprits.add(run.job.lease_id)
                run.runner.kill()

    def _kill(self, run: Run, runner: RunnerProcess) -> None:
        if not run.ended:
            runner.culprits.add(run.job.lease_id)
            self._log.event("runner.killed", pid=runner.pid, reason=f"job {run.job.id} does not stop")
            runner.kill()
