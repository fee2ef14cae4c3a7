"""The processes that a benchmark watches: a worker started like any other, and PostgreSQL where it is local.

Processor time comes from the kernel's counters, in steps of 10 ms: nothing for one job, good for many.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

import psutil

from rowcrew.bench.table import BenchTable
from rowcrew.model.errors import RowcrewError
from rowcrew.settings import environment_with
from rowcrew.settings.variables import VARIABLES

CREW: Final = "rowcrew.bench.crew:crew"
PROGRAM: Final = ("-m", "rowcrew.cli")
# Nobody answers there: a worker with these settings finds its jobs by polling alone.
NO_WAKE_UPS: Final = {"DATABASE_DIRECT_URL": "postgresql://nobody@/nowhere?host=/dev/null"}
PATIENCE_SECONDS: Final = 600.0
# The workers measured have their defaults, whatever whoever measures has set for workers of their own.
DEFAULTS: Final = {name: "" for variable in VARIABLES for name in variable.names}
_LOOK_SECONDS: Final = 0.1
_STOP_SECONDS: Final = 40.0


class Cpu(NamedTuple):
    """Seconds of processor time since some moment; None for a process that cannot be seen from here."""

    control: float
    runner: float
    server: float | None

    def since(self, earlier: Cpu) -> Cpu:
        server = None if self.server is None or earlier.server is None else self.server - earlier.server
        return Cpu(self.control - earlier.control, self.runner - earlier.runner, server)


class BenchWorker:
    """A running worker process, and its processor time and memory."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._control = psutil.Process(process.pid)

    def cpu_seconds(self) -> tuple[float, float]:
        """Of control and of its runners."""
        return own_seconds(self._control), sum(own_seconds(runner) for runner in self._control.children())

    def memory_bytes(self) -> tuple[int, int]:
        """Resident memory of control and of its runners."""
        runners = self._control.children()
        return self._control.memory_info().rss, sum(runner.memory_info().rss for runner in runners)


@contextmanager
def worker(
    url: str,
    table: BenchTable,
    *,
    crew: str = CREW,
    settings: Mapping[str, str],
    program: Sequence[str] = PROGRAM,
) -> Iterator[BenchWorker]:
    """A worker process that is ready to reserve; it writes its job lines, to /dev/null.

    Raises:
        RowcrewError: it ended before it was ready.
    """
    process: subprocess.Popen[bytes] | None = None
    try:
        with _interrupted_later():
            process = subprocess.Popen(
                [sys.executable, *program, "worker", crew],
                env=environment_with(**{**DEFAULTS, "DATABASE_URL": url, **settings}),
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches us alone, and we end the worker in our order
            )
        await_true(lambda: table.has_worker(process.pid) or process.poll() is not None)
        if process.poll() is not None:
            raise RowcrewError(
                f"the worker ended with exit code {process.returncode}; run it alone to see why"
            )
        yield BenchWorker(process)
    finally:
        if process is not None:
            _stop(process)


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait for the end of the block: one within Popen leaves a worker nobody knows."""
    came: list[int] = []
    handlers = {int(number): signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    caught = {number: handler for number, handler in handlers.items() if callable(handler)}
    for number in caught:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in caught.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    finally:
        process.kill()
        process.wait()


def await_true(
    probe: Callable[[], bool], seconds: float = PATIENCE_SECONDS, look_seconds: float = _LOOK_SECONDS
) -> None:
    """Ask every `look_seconds` until the answer is yes.

    Raises:
        RowcrewError: not within the time.
    """
    end = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > end:
            raise RowcrewError(f"the benchmark did not get on for {seconds:g} s; is the machine overloaded?")
        time.sleep(look_seconds)


def own_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


class Server:
    """PostgreSQL's processes; elsewhere than on this host their time is None."""

    def __init__(self, backend_pid: int) -> None:
        self._postmaster: psutil.Process | None = None
        with suppress(psutil.Error):
            backend = psutil.Process(backend_pid)
            if backend.name().startswith("postgres"):
                self._postmaster = backend.parent()

    def cpu_seconds(self) -> float | None:
        """Of the whole server, ended backends included: the postmaster counts them as its children."""
        if self._postmaster is None:
            return None
        with suppress(psutil.Error):
            times = self._postmaster.cpu_times()
            ended = float(times.children_user + times.children_system)
            return own_seconds(self._postmaster) + ended + self._of_living()
        return None

    def _of_living(self) -> float:
        assert self._postmaster is not None
        total = 0.0
        for backend in self._postmaster.children():
            with suppress(psutil.NoSuchProcess):
                total += own_seconds(backend)
        return total
