"""Ties a child process to the one that started it: it dies with it, and for want of memory before it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_OOM_SCORE: Final = Path("/proc/self/oom_score_adj")


def die_with(parent: int, by: signal.Signals = signal.SIGKILL) -> None:
    """End with the process that started us, however it ends: on Linux the kernel sees to it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        os._exit(0)


def go_before_control() -> None:
    """When memory runs out, the kernel kills this process, not its parent, whose death costs all jobs."""
    with suppress(OSError, ValueError):
        _OOM_SCORE.write_text(str(min(1_000, int(_OOM_SCORE.read_text()) + 500)))
