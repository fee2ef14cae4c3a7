"""Runners without a process: async handlers on the event loop of the program that embeds the worker.

In: what a runner process would be told. Out: a body whose runs are tasks of the host's loop. Given to control
by `rowcrew.worker` for `executor="inline"`.

What a process does for a runner is not there: nothing is restored between runs, printed text and log records
are the host's, and what does not stop when it is cancelled cannot be ended. It is left to itself then, and
what it answers goes nowhere.
"""

from __future__ import annotations

import asyncio
import os
import socket

from rowcrew.crew import Crew
from rowcrew.runner.loading import loaded
from rowcrew.runner.loop import RunnerLoop
from rowcrew.runner.serving import Serving
from rowcrew.runner.shutdown import call_hooks
from rowcrew.runner.threads import Threads
from rowcrew.settings import Settings

_GIVEN_UP = "given up; what did not end goes on in this process"


class InHost:
    """The place of runners on the running event loop.

    Args:
        crew: targets that are imported into the host, `module:crew`.
    """

    def __init__(self, crew: list[str], settings: Settings) -> None:
        self._targets = crew
        self._settings = settings

    async def begin(self, end: socket.socket, *, slots: int, mark: str) -> InlineRunner:  # noqa: ARG002
        """Let a runner begin that serves this end of a socket. No program of a handler gets the mark.

        Raises:
            OSError: no descriptor is left; nothing was started.
        """
        crew = _only_async(loaded(self._targets))
        runner = InlineRunner(self._settings, slots)
        mine = end.dup()
        try:
            await runner.begin(mine, crew)
        except BaseException:
            mine.close()
            raise
        return runner


class InlineRunner:
    """The body of one runner: tasks of the host."""

    is_host = True

    def __init__(self, settings: Settings, slots: int) -> None:
        self._settings = settings
        self._slots = slots
        self._serving = Serving()
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._life: asyncio.Task[None] | None = None
        self.pid = os.getpid()

    async def begin(self, end: socket.socket, crew: Crew | str) -> None:
        await self._serving.begin(end, crew, self._loop)
        self._life = asyncio.create_task(self._live(crew), name="inline runner")

    async def wait(self) -> str:
        return await asyncio.shield(self._ended)

    def kill(self) -> None:
        """Cancel what runs and answer no more; nothing happens when it has ended."""
        if self._ended.done():
            return
        self._ended.set_result(_GIVEN_UP)
        if self._serving.runs is not None:
            self._serving.runs.give_up()
        if self._life is not None:
            self._life.cancel()

    async def _live(self, crew: Crew | str) -> None:
        await self._serving.closed.wait()
        if isinstance(crew, Crew):
            await call_hooks(crew.shutdown_hooks)
        if not self._ended.done():
            self._ended.set_result("left")

    def _loop(self, crew: Crew, serving: Serving) -> RunnerLoop:
        return RunnerLoop(
            crew=crew,
            slots=self._slots,
            threads=Threads(max_workers=self._slots, thread_name_prefix="rowcrew"),
            database_url=self._settings.require_database_url(),
            queue=self._settings.queue_name,
            send=serving.send,
            is_clogged=serving.is_clogged,
        )


def _only_async(crew: Crew | str) -> Crew | str:
    """The crew, or why it cannot run on a host's loop."""
    if isinstance(crew, str):
        return crew
    others = sorted(name for name, handled in crew.types.items() if handled.manifest.executor != "async")
    if not others:
        return crew
    return (
        f"executor='inline' runs async handlers only, and these have another executor: {', '.join(others)}; "
        "give them to another crew, whose worker has processes"
    )
