"""`rowcrew demo shutdown`: a worker gets SIGTERM with two jobs at work, of which one can end in time.

A temporary PostgreSQL and a real worker process. It prints what happens, and in the end checks that no job
was lost, no attempt was counted, and nothing is left.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import psutil
import psycopg
from psycopg.rows import dict_row

from rowcrew.cli.local import private_postgres
from rowcrew.cli.migrate import bring_up_to_date
from rowcrew.cli.stage import LOOK_SECONDS, PATIENCE_SECONDS, Backend, title, verdict, worker_beside
from rowcrew.model.errors import RowcrewError
from rowcrew.settings import Settings

GRACE_SECONDS: Final = 6
_OPTIONS: Final = ("rowcrew.cli.demo_crew:crew", "--shutdown-grace", str(GRACE_SECONDS))
# What operations.md asks of a platform beyond the grace.
_LAST_SECONDS: Final = 5


def show_shutdown() -> int:
    """The demonstration from the first line to the verdict; the exit code."""
    started = time.monotonic()
    print("A worker that is told to stop begins nothing more, lets its jobs end,")
    print("and gives back those that cannot end in time.")
    with private_postgres() as server:
        bring_up_to_date(Settings(database_url=server.url))
        with psycopg.connect(server.url, autocommit=True, row_factory=dict_row) as connection:
            promises = _show(Backend(connection), server.url)
    return verdict(promises, started)


def _show(backend: Backend, address: str) -> Mapping[str, bool]:
    title(f"A worker starts: rowcrew worker --shutdown-grace {GRACE_SECONDS}")
    is_stopping = threading.Event()
    with worker_beside(_OPTIONS, heard={"🛑": is_stopping}, DATABASE_URL=address) as worker:
        title("Two jobs: one takes four seconds, the other ten minutes")
        short, long = (row["id"] for row in backend.tell("demo/enqueue_work"))
        _await(lambda: all(row["step"] for row in backend.send("demo/work")), "the jobs did not run")
        title("The worker gets SIGTERM, and a third job arrives")
        family = psutil.Process(worker.pid).children(recursive=True)
        code, seconds = _stopped(worker, is_stopping, lambda: backend.tell("demo/enqueue_late"))
    title("What has become of them")
    jobs = {row["id"]: row for row in backend.show("demo/work")}
    late = max(jobs)
    [left_worker] = backend.show("demo/workers")
    _, left = psutil.wait_procs(family, timeout=5)
    _await(lambda: not backend.send("demo/connections"), None)
    return {
        "the job that could end in time completed": jobs[short]["status"] == "completed",
        "the job that could not is queued again, and has all its attempts": jobs[long]["status"] == "queued"
        and jobs[long]["attempts"] == 0,
        "its checkpoint stayed: the next worker goes on from there": bool(jobs[long]["checkpoint"]),
        "the job that came after the signal was not begun": late not in (short, long)
        and was_not_begun(jobs[late]),
        f"the worker left within {GRACE_SECONDS} + {_LAST_SECONDS} seconds": seconds
        < GRACE_SECONDS + _LAST_SECONDS,
        "it left with exit code 0, and said why in its row": code == 0
        and (left_worker["state"], left_worker["stopReason"]) == ("stopped", "signal"),
        "no process and no connection of it is left": not left and not backend.send("demo/connections"),
    }


def was_not_begun(job: Mapping[str, Any]) -> bool:
    """No handler was called, which would have ended within the grace.

    `"startedAt"` does not tell: a reserve under way at the signal sets it, and the worker gives the job back.
    """
    return (job["status"], job["attempts"], job["step"]) == ("queued", 0, None)


def _stopped(
    worker: subprocess.Popen[bytes], is_stopping: threading.Event, meanwhile: Callable[[], object]
) -> tuple[int, float]:
    """Send SIGTERM, do something once the worker says so, wait for the end: exit code, and how long it took.

    A signal that was sent has not arrived yet: on a busy machine the worker begins a job in between, rightly.
    """
    begun = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    is_stopping.wait(PATIENCE_SECONDS)
    meanwhile()
    print()
    try:
        code = worker.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise RowcrewError(f"the worker did not stop within {PATIENCE_SECONDS:g} seconds") from error
    return code, time.monotonic() - begun


def _await(is_so: Callable[[], bool], complaint: str | None) -> None:
    """Wait until it is so. Without a complaint whoever looks next judges."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            if complaint:
                raise RowcrewError(complaint)
            return
        time.sleep(LOOK_SECONDS)
