"""What a handler finds around it: a plain Python program's process, and nothing an earlier run left there.

In: a process fresh from control. Out: arguments, signals and path as `python` itself would
give them; later, between runs, the state of the process put back. Called by the runner's `__main__` and loop.
"""

from __future__ import annotations

import locale
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from rowcrew.installed import PACKAGE
from rowcrew.runner.forking import pass_over
from rowcrew.settings.process_environment import KeptEnvironment, shorten_python_path

REST_SECONDS: Final = 0.001
"""Looks at the process are at least so far apart, so that they cost the shortest jobs under one percent."""
_SIGNALS: Final = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGALRM,
    signal.SIGCHLD,
    signal.SIGPIPE,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
# The documented one makes an enum of every answer, which takes ten times as long.
_handler_of: Final[Callable[[int], Any]] = getattr(signal.getsignal, "__wrapped__", signal.getsignal)


def make_plain() -> None:
    """Take back what control needed to start this process, before user code sees it."""
    del sys.argv[1:]
    shorten_python_path(str(PACKAGE.parent))  # where control put us, for our start
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_over)


class Surroundings:
    """The state of the process as the crew's import left it, to go back to when nothing runs.

    Directory, umask, environment with time zone, locale, signal handlers and the alarm. What else a handler
    may change (warnings filters, random seeds, resource limits, patched modules) cannot be told from what a
    library that was imported late has set up for good, or not within microseconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_look = 0.0
        self._directory = _directory()
        self._umask = _umask()
        self._environment = KeptEnvironment()
        self._locale = locale.setlocale(locale.LC_ALL)
        self._handlers = [(number, _handler_of(number)) for number in _SIGNALS]
        self._has_alarm = _alarm_is_set()

    def restore(self) -> None:
        """Put back what runs have changed; call it in the main thread while none goes on."""
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + REST_SECONDS
            self._restore_directory()
            os.umask(self._umask)
            if self._environment.restore():
                time.tzset()
            if locale.setlocale(locale.LC_ALL) != self._locale:
                locale.setlocale(locale.LC_ALL, self._locale)
            if not self._has_alarm and _alarm_is_set():  # without its handler it would end the process
                signal.setitimer(signal.ITIMER_REAL, 0)
            self._restore_handlers()

    def _restore_directory(self) -> None:
        if self._directory is not None and _directory() != self._directory:
            with suppress(OSError):  # it was removed meanwhile
                os.chdir(self._directory)

    def _restore_handlers(self) -> None:
        for number, handler in self._handlers:
            if handler is not None and _handler_of(number) is not handler:
                signal.signal(number, handler)


def _directory() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - a tenth of the time of Path.cwd
    except OSError:
        return None


def _alarm_is_set() -> bool:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
