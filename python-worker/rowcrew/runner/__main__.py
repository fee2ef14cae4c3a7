"""`python -m rowcrew.runner`: one runner process, started by control over a socket pair.

Loads the crew as a plain program would import it, tells control what it can run, and serves until control
closes the connection or dies. Signals are control's business: a runner passes the polite ones over.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TextIO, cast

import msgspec

from rowcrew import settings
from rowcrew.crew import Crew
from rowcrew.log import Log
from rowcrew.runner import event_loop, handler_log, leaving, printing
from rowcrew.runner.forking import cut_off_children, end_if_copy
from rowcrew.runner.invoke import current_job
from rowcrew.runner.lines import Lines
from rowcrew.runner.loading import loaded
from rowcrew.runner.loop import RunnerLoop
from rowcrew.runner.parent import die_with, go_before_control
from rowcrew.runner.serving import Serving
from rowcrew.runner.shutdown import shut_down
from rowcrew.runner.surroundings import Surroundings, make_plain
from rowcrew.runner.threads import Threads
from rowcrew.runner.wire import Said


class Orders(msgspec.Struct, frozen=True):
    """What control tells a runner on its command line, as JSON."""

    parent: int
    socket: int
    crew: list[str]
    slots: int
    log_format: str
    worker_name: str
    job_log_bytes: int


def main() -> None:
    orders = msgspec.json.decode(sys.argv[1], type=Orders)
    die_with(orders.parent)
    go_before_control()
    make_plain()
    printing.make_patient(Log(orders.log_format, worker=orders.worker_name).dropped)
    end = socket.socket(fileno=orders.socket)
    end.set_inheritable(False)
    # Control takes the end of the connection for our death: this copy is open until then.
    cut_off_children([end.fileno(), os.dup(end.fileno())])
    lines = _kept_lines(orders)
    clock = time.monotonic  # before user code can patch it
    crew = loaded(orders.crew)  # no event loop runs yet, as in any program's import
    event_loop.run(_serve(orders, end, crew, clock, lines), broken=_break_off)


def _kept_lines(orders: Orders) -> Lines | None:
    """Both ways to say something go into the log, and are kept with the job where that is wanted."""
    lines = None
    if orders.job_log_bytes:
        lines = Lines(most_bytes=orders.job_log_bytes, current_job=current_job.get)
        printing.keep_with(lines.printed)
    handler_log.configure(
        orders.log_format,
        worker=orders.worker_name,
        current_job=current_job.get,
        stream=cast(TextIO, printing.Unkept(sys.stdout)),
        keep=None if lines is None else lines.logged,
    )
    return lines


def _break_off(error: BaseException) -> None:
    """User code has ended the loop: `sys.exit` in a task, `loop.stop`, the cancelling of all tasks.

    To cancel the other runs would make their attempts fail; control refunds those whose runner has died.
    """
    end_if_copy(error)
    logging.getLogger("rowcrew").error("user code has ended the runner's event loop", exc_info=error)
    leaving.break_off()


async def _serve(
    orders: Orders, end: socket.socket, crew: Crew | str, clock: Callable[[], float], lines: Lines | None
) -> None:
    serving = Serving()
    await serving.begin(end, crew, partial(_loop, orders, clock, lines))
    try:
        await serving.closed.wait()
        if isinstance(crew, Crew) and crew.shutdown_hooks:
            await shut_down(crew.shutdown_hooks)
    except asyncio.CancelledError as error:
        _break_off(error)  # now: in this turn of the loop no run can have reported that it was cancelled
    if lines is not None:
        lines.tell_rest()
    leaving.begin()


def _loop(
    orders: Orders, clock: Callable[[], float], lines: Lines | None, crew: Crew, serving: Serving
) -> RunnerLoop:
    mine = settings.read()
    if lines is not None:
        lines.send_to(lambda pieces: serving.send(Said(pieces)), is_clogged=serving.is_clogged)
    return RunnerLoop(
        crew=crew,
        slots=orders.slots,
        threads=Threads(max_workers=orders.slots, thread_name_prefix="rowcrew"),
        database_url=mine.require_database_url(),
        queue=mine.queue_name,
        send=serving.send,
        is_clogged=serving.is_clogged,
        clock=clock,
        between_runs=Surroundings(clock).restore,
        after_run=(lambda _: None) if lines is None else lines.ended,
        before_ends=(lambda: None) if lines is None else lines.tell_ended,
    )


if __name__ == "__main__":
    threading.current_thread().name = "runner"
    main()
