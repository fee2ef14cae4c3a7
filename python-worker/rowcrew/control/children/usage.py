"""Memory and CPU of the worker and its runners; runners that use too much are replaced, or killed."""

from __future__ import annotations

import os
from typing import Final, TypedDict

from rowcrew.control.children.meter import Reading, reading
from rowcrew.control.children.runner import Runner
from rowcrew.control.children.runners import Runners
from rowcrew.control.clock import Clock
from rowcrew.log import Log
from rowcrew.model.tally import Tally

# Replaced after its jobs above the limit; killed at once above this many times the limit.
HARD_LIMIT: Final = 1.5


class Used(TypedDict):
    """Resident memory in bytes and CPU in percent of one core, worker and runners together.

    Attributes:
        restarts: of runners, since the worker's start.
    """

    memory: int
    cpu: float
    restarts: int


class Usage:
    """The meter of one worker, read at each heartbeat.

    Args:
        replaces: whether a runner that uses too much is replaced; else the worker leaves.

    Attributes:
        has_outgrown: whether a runner has used too much, and the worker is to leave.
    """

    def __init__(
        self,
        *,
        runners: Runners,
        limit_bytes: int | None,
        replaces: bool,
        tally: Tally,
        clock: Clock,
        log: Log,
    ) -> None:
        self._runners = runners
        self._limit_bytes = limit_bytes
        self._replaces = replaces
        self.has_outgrown = False
        self._tally = tally
        self._clock = clock
        self._log = log
        self._before: dict[int, Reading] = {}
        self._sampled_at = clock.now()

    def sample(self) -> Used:
        """What is used now; CPU is since the sample before, and a process counts from its second one on."""
        now = self._clock.now()
        seconds, self._sampled_at = now - self._sampled_at, now
        before, self._before = self._before, self._readings()
        for runner in self._runners:
            if not runner.is_host and (used := self._before.get(runner.pid)) is not None:
                for run in runner.runs.values():
                    self._tally.used(run.job.queue, run.job.type, used.memory)
                self._judge(runner, used.memory)
        self._runners.retire_idle()
        self._runners.reap_orphans()
        busy = sum(used.cpu - before[pid].cpu for pid, used in self._before.items() if pid in before)
        memory = sum(used.memory for used in self._before.values())
        cpu = 100 * busy / seconds if seconds > 0 else 0.0
        return {"memory": memory, "cpu": cpu, "restarts": self._runners.restarts}

    def _readings(self) -> dict[int, Reading]:
        """Of those that are there: a process may be gone, and no descriptor left to look at it with."""
        readings = {}
        for pid in (os.getpid(), *(runner.pid for runner in self._runners if runner.pid)):
            try:
                readings[pid] = reading(pid)
            except OSError:
                continue
        return readings

    def _judge(self, runner: Runner, used: int) -> None:
        if self._limit_bytes is None or used <= self._limit_bytes:
            return
        self.has_outgrown = not self._replaces
        if used > HARD_LIMIT * self._limit_bytes:
            self._log.event("runner.killed", pid=runner.pid, reason=f"it uses {used >> 20} MiB")
            runner.kill()
        elif self._replaces and runner.takes_jobs:
            self._log.event("runner.replaced", pid=runner.pid, memory_mib=used >> 20)
            self._runners.replace(runner)
