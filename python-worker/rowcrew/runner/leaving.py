"""How a runner leaves: as a Python program ends, with its hooks run and its files written, but in time.

Called when control has closed the connection. What user code left running (threads that never end, tasks that
will not be cancelled, hooks that wait for a server) cannot keep the process.
"""

from __future__ import annotations

import atexit
import math
import os
import signal
import threading
import time
from typing import Final, NoReturn

from rowcrew.runner.printing import finish

THREADS_SECONDS: Final = 1.0
"""How long Python waits for threads before the hooks run without them."""
LEAVING_SECONDS: Final = 10
"""How long all of the end may take. Control waits less when the whole worker leaves."""


def allow(seconds: float) -> None:
    """Something more may take so long, and then still the end; a process that is held longer is killed."""
    _limit(math.ceil(seconds))


def begin() -> None:
    """From now on the process has so long to end, whatever holds it."""
    _limit()
    hooks_taken = threading.Lock()
    atexit.register(hooks_taken.acquire)  # the last one registered is the first one run
    threading.Thread(target=_end_without_threads, args=(hooks_taken,), name="leaving", daemon=True).start()


def _end_without_threads(hooks_taken: threading.Lock) -> None:
    """Python runs hooks after the last thread has ended: one that stays would keep them from running."""
    time.sleep(THREADS_SECONDS)
    if hooks_taken.acquire(blocking=False):
        atexit.unregister(hooks_taken.acquire)
        atexit._run_exitfuncs()
        _end(0)


def break_off() -> NoReturn:
    """End at once as a failure: no hook runs and no task is cancelled, but what was printed is written."""
    _limit()
    _end(1)


def _limit(more_seconds: int = 0) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the kernel's clock: it needs neither the GIL nor a thread
    signal.alarm(more_seconds + LEAVING_SECONDS)


def _end(code: int) -> NoReturn:
    finish()
    os._exit(code)
