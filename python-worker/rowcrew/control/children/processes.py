"""Runners in processes of their own: how one is started, ended and taken the end of.

In: what every runner is told and sees around it. Out: a body for each runner, whose process has the other end
of its socket. Made by `worker`, used by `runners`.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from rowcrew import family
from rowcrew.control.children.child import Child
from rowcrew.control.children.leftovers import MARK
from rowcrew.installed import PACKAGE
from rowcrew.settings import Settings, runner_environment


class Processes:
    """The place of runners that are processes.

    Args:
        crew: targets that runners load, `module:crew`.
    """

    def __init__(self, crew: list[str], settings: Settings) -> None:
        self._orders = {
            "crew": crew,
            "log_format": settings.log_format,
            "worker_name": settings.worker_name,
            "job_log_bytes": settings.job_log_bytes,
        }
        self._environment = runner_environment(settings, families=family.variables())

    async def begin(self, end: socket.socket, *, slots: int, mark: str) -> RunnerProcess:
        """Start a process that serves this end of a socket.

        Args:
            mark: what it and the programs that its handlers start have in their environment.

        Raises:
            OSError, RuntimeError: no process, descriptor or thread is left; nothing was started.
        """
        orders = {**self._orders, "parent": os.getpid(), "socket": end.fileno(), "slots": slots}
        return RunnerProcess(
            Child(
                [sys.executable, "-m", "rowcrew.runner", msgspec.json.encode(orders).decode()],
                environment={**self._environment, "PYTHONPATH": python_path(self._environment), MARK: mark},
                passed=[end.fileno()],
            )
        )


class RunnerProcess:
    """The body of a runner: a process, and the group of those that its handlers started."""

    is_host = False

    def __init__(self, child: Child) -> None:
        self._child = child
        self.pid = child.pid

    async def wait(self) -> str:
        code = await self._child.wait()
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def python_path(environment: Mapping[str, str]) -> str:
    """This very package, wherever it was imported from, goes before what the environment names."""
    package = str(PACKAGE.parent)
    return os.pathsep.join([package, *filter(None, [environment.get("PYTHONPATH")])])
