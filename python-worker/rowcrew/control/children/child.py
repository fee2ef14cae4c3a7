"""A child process: started without a copy of its parent, and its end is something an event loop can wait for.

In: a command, its environment, descriptors to pass on. Out: its exit code. Called by `processes`, and by
`telling.program` for what tells of events.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import ClassVar


class Child:
    """A process of its own session, from its start to its end. Made inside a running event loop.

    The event loop's own way to start a process is not taken: uvloop forks, and runs Python in the copy before
    it becomes another program. A thread writes the log here, and a lock it holds at the moment of the fork
    is held in the copy for ever: the child never begins, and its parent waits for it. `subprocess` runs no
    Python in between.

    Args:
        passed: descriptors that it keeps under their numbers.
        stdin, stdout, stderr: descriptors of its standard streams; None = those of this process.

    Attributes:
        alive: the process ids of all children whose exit code somebody here waits for.

    Raises:
        OSError, RuntimeError: no process, descriptor or thread is left; nothing was started.
    """

    alive: ClassVar[set[int]] = set()

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        passed: Sequence[int] = (),
        stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=passed,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.alive.add(self.pid)
        self._code: asyncio.Future[int] = self._loop.create_future()
        try:
            self._watch()
        except BaseException:
            self._process.kill()
            self._wait()
            raise

    async def wait(self) -> int:
        """Its exit code, or the number of the signal that ended it, negative."""
        return await asyncio.shield(self._code)

    def _watch(self) -> None:
        """By a descriptor of the process; by a thread where there is none: not Linux, or too many open."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            threading.Thread(target=self._wait_in_thread, name=f"child {self.pid}", daemon=True).start()
        else:
            self._loop.add_reader(descriptor, self._ended, descriptor)

    def _ended(self, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)
        os.close(descriptor)
        self._code.set_result(self._wait())

    def _wait(self) -> int:
        code = self._process.wait()
        self.alive.discard(self.pid)
        return code

    def _wait_in_thread(self) -> None:
        code = self._wait()
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._code.set_result, code)
