"""A child process starts without a copy of its parent, and its end is heard of by every way there is."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator

import psutil
import pytest

from rowcrew.control.children.child import Child
from rowcrew.runner import event_loop

_copies: list[str] = []
os.register_at_fork(before=lambda: _copies.append("a copy of this process was made"))


@pytest.fixture
def passed() -> Iterator[int]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield theirs.fileno()


def ends(program: str, passed: int, sign: int | None = None) -> int:
    async def live() -> int:
        child = Child([sys.executable, "-c", program], environment={"WORD": "hello"}, passed=[passed])
        if sign is not None:
            os.kill(child.pid, sign)
        return await child.wait()

    return event_loop.run(live())


@pytest.fixture(params=["with a descriptor", "in a sandbox without descriptors of processes", "elsewhere"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int) -> int:
        raise OSError(errno.ENOSYS, "Function not implemented")

    if request.param == "elsewhere":
        monkeypatch.delattr(os, "pidfd_open")
    elif request.param != "with a descriptor":
        monkeypatch.setattr(os, "pidfd_open", refused)


@pytest.mark.usefixtures("way")
def test_how_it_ended_is_told(passed: int) -> None:
    assert ends("raise SystemExit(7)", passed) == 7
    assert ends("import time; time.sleep(60)", passed, signal.SIGTERM) == -signal.SIGTERM


def test_it_gets_its_environment_and_the_descriptor(passed: int) -> None:
    program = f"import os; os.fstat({passed}); raise SystemExit(os.environ['WORD'] != 'hello')"
    assert ends(program, passed) == 0


def test_no_copy_of_this_process_with_the_locks_of_its_threads_is_made(passed: int) -> None:
    _copies.clear()
    assert ends("", passed) == 0
    assert _copies == []


def test_a_child_that_cannot_be_watched_is_ended(passed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def live() -> None:
        with pytest.raises(RuntimeError, match="new thread"):
            Child([sys.executable, "-c", "import time; time.sleep(60)"], environment={}, passed=[passed])

    def children() -> set[int]:
        return {child.pid for child in psutil.Process().children()}

    before = children()
    monkeypatch.delattr(os, "pidfd_open")
    monkeypatch.setattr(threading.Thread, "start", none_left)
    asyncio.run(live())
    assert children() == before
