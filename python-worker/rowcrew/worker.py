"""The worker as other programs embed it: `rowcrew.Worker`.

In: targets of a crew and settings. Out: a worker of the host's own event loop. It stands above control and
runner, since only here both are known: control imports no handler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from rowcrew.control import worker
from rowcrew.model.errors import SettingsError
from rowcrew.settings import Settings

Executor = Literal["process", "inline"]
_EXECUTORS: Final = ("process", "inline")


class Worker(worker.Worker):
    """One worker: serves the table from `start` to `stop`. Made inside a running event loop.

    With `executor="inline"` handlers share your process, and a promise of Rowcrew is lost with it: that user
    code cannot cost the worker its life or its lease. One that computes or blocks holds up the heartbeat
    beside everything else; after a whole lease others take all jobs of this worker, and run them again. One
    that crashes the interpreter, or takes all memory, takes your program along. A time limit, a cancellation
    and a stop can only cancel a handler: one that goes on all the same is given up and repeated elsewhere,
    beside itself. What a handler changes in the process (directory, environment, signals) stays changed. Log
    records and prints are your program's, and are not kept with the job; MAX_MEMORY is not watched.

    Args:
        crew: what runners load, each as `module:crew`.
        settings: see `rowcrew.settings`; the queues and the number of slots among them.
        executor: `process`: handlers run in child processes. `inline`: async handlers run on this very loop,
            and a crew with other handlers is refused at the start.
        on_failure: is told when something outside all jobs has broken and the worker has stopped itself.

    Raises:
        SettingsError: there is no such executor.

    Attributes:
        failure: has a result as soon as something outside all jobs has broken.
        why_stopped: the reason, once it is stopping.
    """

    def __init__(
        self,
        crew: list[str],
        settings: Settings,
        *,
        executor: Executor = "process",
        on_failure: Callable[[BaseException], None] | None = None,
    ) -> None:
        if executor not in _EXECUTORS:
            raise SettingsError([f"executor {executor!r} is unknown; give 'process' or 'inline'"])
        place = None
        if executor == "inline":
            from rowcrew.runner.inline import InHost

            place = InHost(crew, settings)
        super().__init__(crew, settings, place=place, on_failure=on_failure)
