"""Memory and CPU of the worker and its runners; runners that use too much are replaced, or killed."""

from __future__ import annotations

import os
from typing import Final, TypedDict

import psutil

from rowcrew.control.children.runner_process import RunnerProcess
from rowcrew.control.children.runners import Runners
from rowcrew.log import Log

# Replaced after its jobs above the limit; killed at once above this many times the limit.
HARD_LIMIT: Final = 1.5
# A process that is gone, or no descriptor left to look at it with: no reason to stop beating.
_UNREADABLE: Final = (psutil.Error, OSError)


class Used(TypedDict):
    """Resident memory in bytes and CPU in percent of one core, worker and runners together."""

    memory: int
    cpu: float


class Usage:
    """The meter of one worker, read at each heartbeat."""

    def __init__(self, *, runners: Runners, limit_bytes: int | None, log: Log) -> None:
        self._runners = runners
        self._limit_bytes = limit_bytes
        self._log = log
        self._processes: dict[int, psutil.Process] = {}

    def sample(self) -> Used:
        memory, cpu = _of(self._process(os.getpid()))
        for runner in self._runners:
            used, busy = _of(self._process(runner.pid))
            memory, cpu = memory + used, cpu + busy
            self._judge(runner, used)
        self._runners.retire_idle()
        self._runners.reap_orphans()
        alive = {os.getpid(), *(runner.pid for runner in self._runners)}
        self._processes = {pid: process for pid, process in self._processes.items() if pid in alive}
        return {"memory": memory, "cpu": cpu}

    def _judge(self, runner: RunnerProcess, used: int) -> None:
        if self._limit_bytes is None:
            return
        if used > HARD_LIMIT * self._limit_bytes:
            self._log.event("runner.killed", pid=runner.pid, reason=f"it uses {used >> 20} MiB")
            runner.kill()
        elif used > self._limit_bytes and runner.takes_jobs:
            self._log.event("runner.replaced", pid=runner.pid, memory_mib=used >> 20)
            self._runners.replace(runner)

    def _process(self, pid: int) -> psutil.Process | None:
        if pid and pid not in self._processes:
            try:
                self._processes[pid] = psutil.Process(pid)
            except _UNREADABLE:
                return None
        return self._processes.get(pid)


def _of(process: psutil.Process | None) -> tuple[int, float]:
    if process is None:
        return 0, 0.0
    try:
        return process.memory_info().rss, process.cpu_percent()
    except _UNREADABLE:
        return 0, 0.0
