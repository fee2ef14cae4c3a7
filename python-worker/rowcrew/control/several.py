"""Several databases with one crew: a parent that keeps one worker process for each of them.

In: the databases by name, and the command line of a worker, which ends with this process. Out: the same
command for each, and one exit code. The workers know nothing of each other, so a database that is down
concerns its own alone. The parent has no connection and no crew: it starts, passes signals on, and starts
again; as the first process of a container it also takes the end of orphans. Called by the command line.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import Final

from rowcrew.control.children.leftovers import FIRST_PROCESS, reap
from rowcrew.control.children.processes import python_path
from rowcrew.log import Log
from rowcrew.settings import environment_with
from rowcrew.settings.readers import Database

WRONG_SETTING: Final = 2
_STOPS: Final = (signal.SIGTERM, signal.SIGINT)
_HEARD: Final = (*_STOPS, signal.SIGCHLD)
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 60.0
_LONG_WAIT_SECONDS: Final = 3_600.0


class WorkerOf:
    """The worker process of one database, and its successors when it fails.

    Attributes:
        code: how the last one ended; None while there is one, and before the first.
        again_at: when a successor starts, by the monotonic clock; None if none does.
    """

    def __init__(self, database: Database, command: Sequence[str], log: Log) -> None:
        self._database = database
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._began = 0.0
        self.code: int | None = None
        self.again_at: float | None = None

    @property
    def pid(self) -> int | None:
        """Of its process, while there is one."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        name, url = self._database
        environment = environment_with(DATABASE_URL=url, DATABASE_URLS="", ROWCREW_DATABASE=name)
        environment["PYTHONPATH"] = python_path(environment)
        self._began, self.again_at, self.code = time.monotonic(), None, None
        try:
            self._process = subprocess.Popen(self._command, env=environment)
        except OSError:  # no process or no descriptor is left: the other workers go on
            self._failed(1)
        else:
            self._log.event("worker.of_database", database=name, pid=self._process.pid)

    def stop(self) -> None:
        self.again_at = None
        if self._process is not None:
            self._process.terminate()

    def look(self, *, is_stopping: bool) -> None:
        """See whether it has ended; one that failed is followed by another, later each time."""
        if self._process is None or (code := self._process.poll()) is None:
            return
        self._process, self.code = None, code
        if code not in (0, WRONG_SETTING) and not is_stopping:
            self._failed(code)

    def _failed(self, code: int) -> None:
        self.code = code
        if time.monotonic() - self._began > _LONGEST_PAUSE_SECONDS:
            self._pause_seconds = _FIRST_PAUSE_SECONDS
        seconds, self._pause_seconds = (
            self._pause_seconds,
            min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS),
        )
        self.again_at = time.monotonic() + seconds
        self._log.event("worker.of_database_again", database=self._database.name, code=code, seconds=seconds)


def run_workers(databases: Sequence[Database], command: Sequence[str], log: Log) -> int:
    """Keep a worker for each database until a signal, or until all have left by themselves.

    Returns:
        0 after a good end, 2 if a setting is wrong, else 1.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    log.start()  # its thread hears no signal either
    workers = [WorkerOf(database, command, log) for database in databases]
    try:
        for worker in workers:
            worker.start()
        _keep(workers)
    finally:
        log.stop()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    codes = {worker.code for worker in workers}
    return WRONG_SETTING if WRONG_SETTING in codes else int(codes != {0})


def _keep(workers: Sequence[WorkerOf]) -> None:
    is_stopping = False
    while any(worker.pid or worker.again_at for worker in workers):
        due = [worker.again_at for worker in workers if worker.again_at is not None]
        wait_seconds = min(due, default=time.monotonic() + _LONG_WAIT_SECONDS) - time.monotonic()
        heard = signal.sigtimedwait(_HEARD, max(wait_seconds, 0))
        for worker in workers:
            worker.look(is_stopping=is_stopping)
        if os.getpid() == FIRST_PROCESS:
            reap([worker.pid for worker in workers if worker.pid is not None])
        is_wrong = any(worker.code == WRONG_SETTING for worker in workers)
        if not is_stopping and (is_wrong or (heard is not None and heard.si_signo in _STOPS)):
            is_stopping = True
            for worker in workers:
                worker.stop()
        for worker in workers:
            if worker.again_at is not None and worker.again_at <= time.monotonic():
                worker.start()
