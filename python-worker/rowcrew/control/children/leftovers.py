"""Ends the programs that handlers of a dead runner started and left, also those that left its process group.

In: the mark that a runner has in its environment, and that everything started below it inherits. Out: how
many programs were ended. Called by `runners` after a runner's death, and by `worker` at its start for workers
that were killed on this host. Without /proc there is nothing to look at, and nothing is ended. As the first
process of a container the worker also takes the end of programs that have no parent any more.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from rowcrew.process_key import NO_DESCRIPTOR, is_surely_dead, own_process_key

MARK: Final = "ROWCREW_RUNNER"
FIRST_PROCESS: Final = 1
# A program that is found may start another before it ends.
_PASSES: Final = 5


def new_mark() -> str:
    """A mark for one runner of this worker: whose it is, and which.

    Raises:
        OSError: no descriptor is left to look with, and nobody could tell whose the mark is.
    """
    return f"{own_process_key() or ''}/{os.urandom(8).hex()}"


def end_marked(mark: str) -> int:
    """End every program that has this mark; how many there were.

    Raises:
        OSError: no descriptor is left to look with.
    """
    return _end(lambda found: found == mark)


def end_of_dead_workers() -> int:
    """End what was left by workers of this host that are dead for certain; how many programs there were.

    Raises:
        OSError: no descriptor is left to look with.
    """
    return _end(lambda found: is_surely_dead(found.rpartition("/")[0] or None))


def reap(own: Collection[int]) -> None:
    """Take the exit codes of orphans that the system gave to this process, the first in a container.

    Until somebody does, each stays as a zombie and uses up a process number. Children of our own stay for
    those who wait for them.
    """
    with suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if ended.si_pid in own:
                return  # the orphans behind it have their turn when it is gone
            os.waitpid(ended.si_pid, os.WNOHANG)


def _end(is_left: Callable[[str], bool]) -> int:
    ended = 0
    for _ in range(_PASSES):
        now = sum(_end_one(pid, is_left) for pid in _process_ids())
        if not now:
            break
        ended += now
    return ended


def _end_one(pid: int, is_left: Callable[[str], bool]) -> bool:
    try:
        with _held(pid) as process:
            mark = _mark_of(pid)
            if mark is not None and is_left(mark):
                signal.pidfd_send_signal(process, signal.SIGKILL)
                return True
    except OSError as error:  # it is gone, or another user's
        if error.errno in NO_DESCRIPTOR:
            raise
    return False


@contextmanager
def _held(pid: int) -> Iterator[int]:
    """A descriptor of the process: its number may be another's by the time it is killed."""
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _mark_of(pid: int) -> str | None:
    """The mark in the environment that a process was started with; a zombie has none."""
    sought = f"{MARK}=".encode()
    for variable in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
        if variable.startswith(sought):
            return variable.removeprefix(sought).decode(errors="replace")
    return None


def _process_ids() -> list[int]:
    try:
        names = [entry.name for entry in Path("/proc").iterdir()]
    except OSError as error:
        if error.errno in NO_DESCRIPTOR:
            raise
        return []
    return [int(name) for name in names if name.isdecimal() and int(name) != os.getpid()]
