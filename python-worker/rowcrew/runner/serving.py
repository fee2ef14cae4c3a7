"""The runner's end of the connection to control: what control says is done, until control closes it.

In: a socket, and a crew or why there is none. Out: messages to control. Called by the runner's `__main__`,
and by `inline` for a runner that has no process of its own.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from rowcrew.crew import Crew
from rowcrew.runner.loop import RunnerLoop
from rowcrew.runner.wire import (
    Assign,
    Channel,
    Close,
    Pressure,
    Ready,
    Stop,
    ToControl,
    ToRunner,
    Unloadable,
    Withdraw,
)

MakeLoop = Callable[[Crew, "Serving"], RunnerLoop]


class Serving:
    """What one runner does for control. Made inside the event loop that runs the jobs.

    Attributes:
        closed: control wants no more of it, or is gone.
        runs: the loop of a crew that could be loaded.
    """

    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self.runs: RunnerLoop | None = None
        self._channel: Channel[ToRunner] = Channel(
            ToRunner, receive=self._obey, lost=self.closed.set, drained=self._go_on
        )

    def is_clogged(self) -> bool:
        """Control does not read as fast as this runner writes."""
        return self._channel.is_full

    async def begin(self, end: socket.socket, crew: Crew | str, make_loop: MakeLoop) -> None:
        """Tell control what the crew can run, or why it cannot be loaded; from then on obey."""
        end.setblocking(False)
        await asyncio.get_running_loop().create_connection(lambda: self._channel, sock=end)
        if isinstance(crew, Crew):
            self.runs = make_loop(crew, self)
            self.send(Ready(crew.manifest()))
        else:
            self.send(Unloadable(crew))

    def send(self, message: ToControl) -> None:
        self._channel.send(message)

    def _go_on(self) -> None:
        if self.runs is not None:
            self.runs.go_on()

    def _obey(self, message: ToRunner) -> None:
        if isinstance(message, Close):
            self.closed.set()
            return
        assert self.runs is not None  # control assigns nothing before `Ready`
        match message:
            case Assign(jobs, begin_by):
                self.runs.assign(jobs, begin_by)
            case Stop(lease_id):
                self.runs.stop(lease_id)
            case Withdraw():
                self.runs.withdraw()
            case Pressure(is_high):
                self.runs.press(is_high)
