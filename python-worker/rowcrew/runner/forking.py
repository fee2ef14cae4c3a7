"""What becomes of a runner that user code forks: a copy of everything, which must not speak for the original.

In: the descriptors that lead to control. Out: a child that has lost them, obeys signals as any program does,
and ends when the handler that forked it does. `subprocess` needs none of this, `multiprocessing` does.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any, Final

_POLITE: Final[dict[signal.Signals, Any]] = {
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
}

_copies: set[int] = set()
"""This process, once it has turned out to be a copy of a runner."""


def pass_over(_number: int, _frame: FrameType | None) -> None:
    """The polite signals are for control. A handler, unlike SIG_IGN, ends with `exec`: programs obey them."""


def cut_off_children(descriptors: Sequence[int]) -> None:
    """Take the way to control from every process that is forked from this one."""
    ways = [(descriptor, _identity(descriptor)) for descriptor in descriptors]

    blocked = threading.local()

    def block() -> None:  # a signal that comes before the copy obeys signals would be passed over
        blocked.before = signal.pthread_sigmask(signal.SIG_BLOCK, _POLITE)

    def unblock() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked.before)

    def in_child() -> None:
        _copies.add(os.getpid())
        _obey_signals()
        _replace_with_dead_ends([way for way, identity in ways if _identity(way) == identity])
        unblock()

    os.register_at_fork(before=block, after_in_parent=unblock, after_in_child=in_child)


def end_if_copy(error: BaseException | None = None) -> None:
    """End a forked child where the original would go on to answer: what its handler began is over.

    SystemExit tells the exit code, as it does elsewhere; the parent may wait for it.
    """
    if _copies:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(_exit_code(error))


def _exit_code(error: BaseException | None) -> int:
    if error is None:
        return 0
    code: Any = error.code if isinstance(error, SystemExit) else 1
    return code & 0xFF if isinstance(code, int) else int(code is not None)


def _obey_signals() -> None:
    signal.set_wakeup_fd(-1)  # the loop's, and so the parent's
    for number, default in _POLITE.items():
        if signal.getsignal(number) is pass_over:
            signal.signal(number, default)


def _identity(descriptor: int) -> tuple[int, int] | None:
    """Which file stands behind a number: user code may have closed ours and opened its own."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _replace_with_dead_ends(descriptors: Sequence[int]) -> None:
    """A closed number would soon be another file's, and the copied loop would write to that."""
    ours, theirs = socket.socketpair()
    theirs.close()
    for descriptor in descriptors:
        os.dup2(ours.fileno(), descriptor, inheritable=False)
    ours.close()
