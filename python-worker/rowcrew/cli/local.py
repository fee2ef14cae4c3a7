"""The parts of `rowcrew demo` and `rowcrew dev`: a private PostgreSQL and a worker process.

In: a home for the data, options of `rowcrew worker`. Out: a running server, a running worker. Neither
outlives the process that asked for it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from rowcrew import settings
from rowcrew.embedded import EmbeddedPostgres, EmbeddedPostgresError
from rowcrew.model.errors import RowcrewError

# The grace of running jobs, the time to cancel them, and some more.
_STOP_SECONDS: Final = 45


@contextmanager
def private_postgres(home: Path | None = None, port: int | None = None) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of our own: with a home it keeps its data, without one they vanish with it.

    Args:
        port: where it also answers through TCP, on this machine and with a password.

    Raises:
        RowcrewError: it cannot be started or stopped; the text says why and what to do.
    """
    try:
        with EmbeddedPostgres(home, durable=home is not None, port=port) as server:
            yield server
    except EmbeddedPostgresError as error:
        raise RowcrewError(str(error)) from error


def start_worker(
    options: Sequence[str], *, output: IO[bytes] | int | None = None, **variables: str
) -> subprocess.Popen[bytes]:
    """Start `rowcrew worker` with these options, and these variables beside those of our environment."""
    return start_child(["worker", *options], output=output, **variables)


def start_child(
    words: Sequence[str], *, output: IO[bytes] | int | None = None, **variables: str
) -> subprocess.Popen[bytes]:
    """The same, of any command."""
    return subprocess.Popen(
        child_command(words),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=settings.environment_with(**variables),
    )


def child_command(words: Sequence[str], by: signal.Signals = signal.SIGKILL) -> list[str]:
    """The command line of a `rowcrew …` to which the end of this process is a signal."""
    return [sys.executable, "-m", "rowcrew.cli.child", str(os.getpid()), str(int(by)), *words]


def stop_worker(worker: subprocess.Popen[bytes]) -> int:
    """Ask the worker to leave, as a supervisor does, and wait until it has; its exit code."""
    worker.terminate()
    try:
        return worker.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        return worker.wait()
