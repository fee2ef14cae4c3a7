"""A worker in a thread of its own, for programs that have no event loop, such as WSGI servers.

In: what `Worker` takes. Out: `start` and `stop`, which return when it has begun and when it has left. Called
by the hooks of such a program.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rowcrew.control.worker import Worker
from rowcrew.model.errors import RowcrewError
from rowcrew.runner.event_loop import loop_factory
from rowcrew.settings import Settings

if TYPE_CHECKING:
    from rowcrew.control.health import WorkerHealth

OnFailure = Callable[[BaseException], None]


class WorkerThread:
    """A worker and the thread that it lives in, from `start` to `stop` or the end of the program.

    Call both from the process that shall have the worker: a server that forks starts one in each child. A
    copy made by a fork has no thread; there `stop` does nothing and `start` starts another worker.

    Args:
        crew: what runners load, each as `module:crew`.
        settings: see `rowcrew.settings`.
        on_failure: as of `Worker`; called in the worker's thread.
    """

    def __init__(self, crew: list[str], settings: Settings, *, on_failure: OnFailure | None = None) -> None:
        self._make = lambda: Worker(crew, settings, on_failure=on_failure)
        self._life: _Life | None = None

    def start(self) -> None:
        """Connect, load the crew and begin to reserve. Starting twice changes nothing.

        Raises:
            DatabaseUnavailable, SchemaMismatch, CrewError: as of `Worker.start`.
        """
        if self._here() is None:
            life = self._life = _Life(self._make)
            atexit.register(self.stop)
            try:
                life.started.result()
            except BaseException:
                self.stop()
                raise

    def stop(self) -> None:
        """Reserve no more, let jobs end, give back the rest, leave. Stopping twice is the same as once."""
        life, self._life = self._here(), None
        atexit.unregister(self.stop)
        if life is not None:
            life.end()

    def health(self) -> WorkerHealth:
        """How the worker does.

        Raises:
            RowcrewError: no worker runs in this process.
        """
        life = self._here()
        if life is None or (health := life.health()) is None:
            raise RowcrewError("no worker runs in this process: call start() first, after the last fork")
        return health

    def _here(self) -> _Life | None:
        """The worker of this process, and not of one that this is a copy of."""
        return self._life if self._life is not None and self._life.process == os.getpid() else None


class _Life:
    """One worker in its thread, which begins at once and ends with it.

    The thread is a daemon: the interpreter waits for any other before it calls what shall end this one.
    """

    def __init__(self, make: Callable[[], Worker]) -> None:
        self.process = os.getpid()
        self.started: Future[None] = Future()
        self._ended: Future[None] = Future()
        self._make = make
        self._loop = (loop_factory() or asyncio.new_event_loop)()
        self._leave = asyncio.Event()
        self._worker: Worker | None = None
        self._thread = threading.Thread(target=self._run, name="rowcrew worker", daemon=True)
        self._thread.start()

    def end(self) -> None:
        with suppress(RuntimeError):  # it has left by itself, and its loop is closed
            self._loop.call_soon_threadsafe(self._leave.set)
        if not self._is_here():
            self._thread.join()

    def health(self) -> WorkerHealth | None:
        """None when it has left, or leaves: a loop that ends may never come to the question."""
        if self._worker is None or self._is_here():
            return None
        asking = self._worker.health()
        try:
            told = asyncio.run_coroutine_threadsafe(asking, self._loop)
        except RuntimeError:  # the loop is closed
            asking.close()
            return None
        awaited: list[Future[Any]] = [told, self._ended]
        wait(awaited, return_when=FIRST_COMPLETED)
        return None if self._ended.done() or told.cancelled() else told.result()

    def _is_here(self) -> bool:
        """Whether its own thread asks, as one told of a failure does: to wait there for it has no end."""
        return threading.current_thread() is self._thread

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._live())
        finally:
            self._ended.set_result(None)

    async def _live(self) -> None:
        leaving = asyncio.create_task(self._leave.wait())
        try:
            worker = self._worker = self._make()
            starting = asyncio.create_task(worker.start())
            leaving.add_done_callback(lambda _: starting.cancel())
            await starting
        except BaseException as error:
            self.started.set_exception(error)
            return
        self.started.set_result(None)
        await asyncio.wait(
            [leaving, asyncio.create_task(worker.stopped())], return_when=asyncio.FIRST_COMPLETED
        )
        await worker.stop()
