"""A worker as a process of its own: signals, and the exit code. Called by the command line."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
import traceback
from typing import Any

import psycopg

from rowcrew.control.worker import Worker
from rowcrew.log import Log
from rowcrew.model.cleaning import clean_text, describe
from rowcrew.model.errors import DatabaseUnavailable, RowcrewError
from rowcrew.runner import stray
from rowcrew.runner.event_loop import run
from rowcrew.settings import Settings, agent_of_task, supervisor
from rowcrew.table.link import reason


def run_worker(crew: list[str], settings: Settings) -> int:
    """Run a worker until a signal ends it; the exit code: 0 after a good end, 1 after a failure."""
    facts: dict[str, Any] = {"worker": settings.worker_name}
    if settings.database_label is not None:
        facts["database_label"] = settings.database_label
    log = Log(settings.log_format, **facts)
    _log_strays(log)
    try:
        return run(_run(crew, settings, log))
    except Exception as error:  # a bug of ours, where no organ runs yet or any more
        trace = clean_text("".join(traceback.format_exception(error)))
        log.event("worker.crashed", error=describe(error), traceback=trace)
        return 1


def _log_strays(log: Log) -> None:
    """What libraries say, the driver above all, becomes lines of the log: others read it line by line."""

    def tell(is_error: bool, facts: dict[str, Any]) -> None:
        if is_error:
            log.event("library.failed", **facts)
        else:
            log.event("library.warned", **facts)

    logging.basicConfig(level=logging.WARNING, handlers=[stray.Records(tell)], force=True)
    stray.catch()


async def _run(crew: list[str], settings: Settings, log: Log) -> int:
    worker = Worker(crew, settings, log, owns_process=True, supervisor=supervisor(), agent=agent_of_task())
    signalled = _on_signals(worker)
    try:
        starting = asyncio.create_task(worker.start())
        signalled.add_done_callback(lambda _: starting.cancel())
        await starting
    except DatabaseUnavailable as error:
        log.event("database.failed")
        log.event("database.failed_reason", reason=str(error))
        return 1
    except (RowcrewError, psycopg.Error) as error:
        text = str(error) if isinstance(error, RowcrewError) else reason(error)
        log.event("worker.failed_to_start", reason=text)
        return 1
    except asyncio.CancelledError:
        return 0
    ends: list[asyncio.Future[Any]] = [signalled, worker.failure, asyncio.create_task(worker.stopped())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    await worker.stop("error" if worker.failure.done() else "signal")
    return 1 if worker.failure.done() else 0


def _on_signals(worker: Worker) -> asyncio.Future[BaseException | None]:
    """A future that the first SIGTERM or SIGINT fulfils; a second SIGINT on a terminal ends the grace."""
    loop = asyncio.get_running_loop()
    signalled: asyncio.Future[BaseException | None] = loop.create_future()

    def stop(interrupt: bool) -> None:
        if not signalled.done():
            signalled.set_result(None)
        elif interrupt and sys.stdin.isatty():
            worker.hurry()

    loop.add_signal_handler(signal.SIGTERM, stop, False)
    loop.add_signal_handler(signal.SIGINT, stop, True)
    loop.set_exception_handler(lambda _, context: worker.fail(_broken(context)))
    threading.excepthook = lambda broken: loop.call_soon_threadsafe(
        worker.fail, broken.exc_value or RuntimeError(f"thread {broken.thread} ended")
    )
    return signalled


def _broken(context: dict[str, Any]) -> BaseException:
    error = context.get("exception")
    return error if isinstance(error, BaseException) else RuntimeError(str(context.get("message")))
