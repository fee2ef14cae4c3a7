"""The worker of a benchmark ends with it, whenever it is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

import psutil
import pytest

from rowcrew.bench.processes import worker


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processes that were started; Ctrl-C comes when each runs and whoever asked does not know it yet."""
    pids: list[int] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            pids.append(self.pid)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    return pids


def test_a_worker_that_starts_as_ctrl_c_comes_is_ended(started: list[int]) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), worker("", None, settings={}, program=["-c", "input()"]):  # type: ignore[arg-type]
            raise AssertionError("it went on")
        assert [pid for pid in started if psutil.pid_exists(pid)] == []
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
