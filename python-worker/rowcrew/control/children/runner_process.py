"""One runner as control sees it: a child process, the socket to it and the runs assigned to it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal, Protocol

import msgspec

from rowcrew.control.children.child import Child
from rowcrew.control.children.leftovers import MARK, new_mark
from rowcrew.control.clock import Clock
from rowcrew.control.run import Run
from rowcrew.installed import PACKAGE
from rowcrew.runner.wire import Assign, Channel, Close, Pressure, Ready, Stop, ToControl, ToRunner, Withdraw

SOCKET_BUFFER_BYTES: Final = 1 << 20
# Shared runners begin what they are given within milliseconds; this is for those whose interpreter is held.
BEGIN_SECONDS: Final = 2.0


Kind = Literal["shared", "solo", "group"]


class Keeper(Protocol):
    """Who started a runner and hears what it says."""

    def hear(self, runner: RunnerProcess, message: ToControl) -> None: ...


class RunnerProcess:
    """A runner from its start to its death.

    Attributes:
        kind: what it is given: most jobs; one job at a time; suspects, no more than may be together.
        runs: the runs assigned to it, by lease.
        mark: what programs that its handlers start have in their environment; empty before it has started.
        culprits: leases for whose sake control killed it; empty if it died by itself.
        retiring: takes no more jobs and leaves when its last one ends.
        idle_since: monotonic time of the last end, or of the start.
        answered_at: monotonic time of the last message from it.
        is_silent: it did not begin what it was given, nor say anything; no more jobs until it does.
    """

    def __init__(self, *, kind: Kind, slots: int, keeper: Keeper, clock: Clock) -> None:
        self.kind = kind
        self.slots = slots
        self._keeper = keeper
        self._clock = clock
        self.runs: dict[str, Run] = {}
        self.culprits: set[str] = set()
        self.mark = ""
        self.retiring = False
        self.is_loaded = False
        self.idle_since = self._clock.now()
        self.answered_at = self._clock.now()
        self.is_silent = False
        self._process: Child | None = None
        self._channel: Channel[ToControl] | None = None

    @property
    def pid(self) -> int:
        return 0 if self._process is None else self._process.pid

    @property
    def takes_jobs(self) -> bool:
        return self.is_loaded and not self.retiring and not self.is_silent

    async def start(self, orders: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        """Start the process; its first message to the keeper is `Ready` or `Unloadable`.

        Raises:
            OSError, RuntimeError: no process, descriptor or thread is left; nothing was started.
        """
        self.mark = new_mark()
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
        ours.setblocking(False)
        command = msgspec.json.encode(
            {**orders, "parent": os.getpid(), "socket": theirs.fileno(), "slots": self.slots}
        ).decode()
        try:
            self._process = Child(
                [sys.executable, "-m", "rowcrew.runner", command],
                environment={**environment, "PYTHONPATH": _python_path(environment), MARK: self.mark},
                passed=[theirs.fileno()],
            )
            self._channel = await self._connected(ours)
        except BaseException:
            self.kill()
            ours.close()
            raise
        finally:
            theirs.close()

    async def _connected(self, end: socket.socket) -> Channel[ToControl]:
        # A runner that lost its socket, because user code closed it, can answer no more.
        channel: Channel[ToControl] = Channel(ToControl, receive=self._received, lost=self.kill)
        await asyncio.get_running_loop().create_connection(lambda: channel, sock=end)
        return channel

    def _received(self, message: ToControl) -> None:
        self.is_loaded = self.is_loaded or isinstance(message, Ready)
        self.answered_at = self._clock.now()
        self.is_silent = False
        self._keeper.hear(self, message)

    async def wait(self) -> tuple[str, bool]:
        """How it died, in words, and whether it had been asked to leave."""
        assert self._process is not None
        code = await self._process.wait()
        asked = self.retiring
        self.retiring = True
        self.kill()  # what user code started in its process group goes with it
        if self._channel is not None:
            self._channel.close()
        return (f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"), asked

    def assign(self, runs: Sequence[Run]) -> None:
        now = self._clock.now()
        for run in runs:
            run.assigned(self, now)
            self.runs[run.job.lease_id] = run
        self._send(Assign([run.job for run in runs], now + BEGIN_SECONDS))

    def stop(self, lease_id: str) -> None:
        self._send(Stop(lease_id))

    def withdraw(self) -> None:
        self._send(Withdraw())

    def press(self, is_high: bool) -> None:
        """Let it keep large values from now on, or send them again."""
        self._send(Pressure(is_high))

    def retire(self) -> None:
        """Leave as soon as nothing runs here."""
        self.retiring = True
        if not self.runs:
            self._send(Close())

    def drop(self, lease_id: str) -> None:
        """Forget a run that is over."""
        self.runs.pop(lease_id, None)
        if not self.runs:
            self.idle_since = self._clock.now()
            if self.retiring:
                self._send(Close())

    def kill(self) -> None:
        """End the process and everything it started, at once."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def kill_for(self, lease_id: str) -> None:
        """End the process for this run's sake: the other runs are not to blame."""
        self.culprits.add(lease_id)
        self.kill()

    def _send(self, message: ToRunner) -> None:
        if self._channel is not None:
            self._channel.send(message)


def _python_path(environment: Mapping[str, str]) -> str:
    """This very package, wherever it was imported from, goes before what the environment names."""
    package = str(PACKAGE.parent)
    return os.pathsep.join([package, *filter(None, [environment.get("PYTHONPATH")])])
