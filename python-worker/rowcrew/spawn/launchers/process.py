"""The launcher `process`: a worker is a process of this machine, in a process group of its own.

In: a launch. Out: a child process that outlives the spawner, and its key as the handle: boot, pid namespace,
process id and start, so that no spawner, here or elsewhere, takes another process for it. The default of
every queue; made by `places`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from rowcrew.process_key import process_key
from rowcrew.spawn.launcher import Launch, LaunchFailed


class Ended(NamedTuple):
    """A child that ended, by the bootId of its launch; a negative exit code is the signal that ended it."""

    boot_id: str
    name: str
    queue: str
    exit_code: int


class ProcessLauncher:
    """Workers as child processes.

    Args:
        environment_with: makes a child's environment from these variables and those of this process.
        on_end: is called, from another thread, when a child has ended.
    """

    name: Final = "process"

    def __init__(
        self,
        *,
        environment_with: Callable[..., Mapping[str, str]],
        on_end: Callable[[], object] = lambda: None,
    ) -> None:
        self._environment_with = environment_with
        self._on_end = on_end
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._ended: list[Ended] = []
        self._lock = threading.Lock()

    def start(self, launch: Launch) -> str:
        command = [sys.executable, "-m", "rowcrew.cli", *launch.arguments]
        try:
            child = subprocess.Popen(
                command,
                env=dict(self._environment_with(**launch.environment)),
                stdin=subprocess.DEVNULL,
                process_group=0,
            )
        except OSError as error:
            raise LaunchFailed(f"no process can be started: {error}") from error
        handle = process_key(child.pid) or str(child.pid)
        with self._lock:
            self._children[handle] = child
        threading.Thread(
            target=self._wait, args=(launch, handle, child), name=f"wait for {launch.name}", daemon=True
        ).start()
        return handle

    def running(self) -> Sequence[str]:
        with self._lock:
            return list(self._children)

    def end(self, handle: str) -> None:
        self._signal(handle, signal.SIGTERM)

    def kill(self, handle: str) -> None:
        """End a worker that does not obey; the kernel ends its runners with it."""
        self._signal(handle, signal.SIGKILL)

    def take_ended(self) -> list[Ended]:
        """The children that have ended since the last call."""
        with self._lock:
            ended, self._ended = self._ended, []
        return ended

    def _wait(self, launch: Launch, handle: str, child: subprocess.Popen[bytes]) -> None:
        exit_code = child.wait()
        with self._lock:
            del self._children[handle]
            self._ended.append(Ended(launch.boot_id, launch.name, launch.queue, exit_code))
        self._on_end()

    def _signal(self, handle: str, number: signal.Signals) -> None:
        """Only to the very process that was started: its id may be another's by now."""
        pid = pid_of(handle)
        with suppress(ProcessLookupError, PermissionError):
            if process_key(pid) == handle or handle in self.running():
                os.kill(pid, number)


def pid_of(handle: str) -> int:
    """The process id in a handle of this launcher."""
    return int(handle.split(":")[2] if ":" in handle else handle)
