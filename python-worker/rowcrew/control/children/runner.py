"""One runner as control sees it: its body, the socket to it and the runs assigned to it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Final, Literal, Protocol

from rowcrew.control.children.leftovers import new_mark
from rowcrew.control.clock import Clock
from rowcrew.control.run import Run
from rowcrew.runner.wire import Assign, Channel, Close, Pressure, Ready, Stop, ToControl, ToRunner, Withdraw

SOCKET_BUFFER_BYTES: Final = 1 << 20
# Shared runners begin what they are given within milliseconds; this is for those whose interpreter is held.
BEGIN_SECONDS: Final = 2.0


Kind = Literal["shared", "solo", "group"]


class Body(Protocol):
    """What a runner lives as.

    Attributes:
        pid: of the process that it lives in.
        is_host: whether that is this very process.
    """

    @property
    def pid(self) -> int: ...
    @property
    def is_host(self) -> bool: ...

    async def wait(self) -> str:
        """How it died, in words, as soon as it has."""
        ...

    def kill(self) -> None:
        """End it and everything it started, at once; nothing happens when it has ended."""
        ...


class Place(Protocol):
    """Where runners live."""

    async def begin(self, end: socket.socket, *, slots: int, mark: str) -> Body:
        """Let a runner begin that serves this end of a socket; its first message is `Ready` or `Unloadable`.

        The caller closes `end` afterwards.

        Raises:
            OSError, RuntimeError: the machine has no room for one; nothing was started.
        """
        ...


class Keeper(Protocol):
    """Who started a runner and hears what it says."""

    def hear(self, runner: Runner, message: ToControl) -> None: ...


class Runner:
    """A runner from its start to its death, wherever it lives.

    Attributes:
        kind: what it is given: most jobs; one job at a time; suspects, no more than may be together.
        runs: the runs assigned to it, by lease.
        mark: what programs that its handlers start have in their environment; empty before it has started.
        culprits: leases for whose sake control killed it; empty if it died by itself.
        retiring: takes no more jobs and leaves when its last one ends.
        idle_since: monotonic time of the last end, or of the start.
        answered_at: monotonic time of the last message from it.
        is_silent: it did not begin what it was given, nor say anything; no more jobs until it does.
        was_used: a run has ended here; what it left behind may yet kill the runner.
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
        self.was_used = False
        self._body: Body | None = None
        self._channel: Channel[ToControl] | None = None

    @property
    def pid(self) -> int:
        return 0 if self._body is None else self._body.pid

    @property
    def is_host(self) -> bool:
        """Whether it lives in this very process, which is neither measured nor ended for its sake."""
        return self._body is not None and self._body.is_host

    @property
    def killing(self) -> str:
        """The event of the log that tells that it is killed."""
        return "runner.given_up" if self.is_host else "runner.killed"

    @property
    def takes_jobs(self) -> bool:
        return self.is_loaded and not self.retiring and not self.is_silent

    async def start(self, place: Place) -> None:
        """Begin in this place; its first message to the keeper is `Ready` or `Unloadable`.

        Raises:
            OSError, RuntimeError: no process, descriptor or thread is left; nothing was started.
        """
        self.mark = new_mark()
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
        ours.setblocking(False)
        try:
            self._body = await place.begin(theirs, slots=self.slots, mark=self.mark)
            await self._connect(ours)
        except BaseException:
            self.kill()
            ours.close()
            raise
        finally:
            theirs.close()

    async def _connect(self, end: socket.socket) -> None:
        # A runner that lost its socket, because user code closed it, can answer no more.
        channel: Channel[ToControl] = Channel(ToControl, receive=self._received, lost=self.kill)
        # Known before it is connected: where the runner was quicker than this process, uvloop hands its first
        # message over before this coroutine goes on, and what is answered to that must not be lost.
        self._channel = channel
        await asyncio.get_running_loop().create_connection(lambda: channel, sock=end)

    def _received(self, message: ToControl) -> None:
        self.is_loaded = self.is_loaded or isinstance(message, Ready)
        self.answered_at = self._clock.now()
        self.is_silent = False
        self._keeper.hear(self, message)

    async def wait(self) -> tuple[str, bool]:
        """How it died, in words, and whether it had been asked to leave."""
        assert self._body is not None
        how = await self._body.wait()
        asked = self.retiring
        self.retiring = True
        self.kill()  # what user code started in its process group goes with it
        if self._channel is not None:
            self._channel.close()
        return how, asked

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
        """End it and everything it started, at once."""
        if self._body is not None:
            self._body.kill()

    def kill_for(self, lease_id: str) -> None:
        """End it for this run's sake: the other runs are not to blame."""
        self.culprits.add(lease_id)
        self.kill()

    def _send(self, message: ToRunner) -> None:
        if self._channel is not None:
            self._channel.send(message)
