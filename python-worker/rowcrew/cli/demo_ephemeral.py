"""`rowcrew demo ephemeral`: no worker while nothing waits, as many as queues allow when something does.

A temporary PostgreSQL, a real spawner and the workers that it starts. Four scenes: nobody has anything to do,
one job, a burst in one queue, a burst in three. Each has its verdict, and in the end nothing is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import psutil
import psycopg
from psycopg.rows import dict_row

from rowcrew.cli.local import private_postgres, stop_worker
from rowcrew.cli.migrate import bring_up_to_date
from rowcrew.cli.stage import (
    LOOK_SECONDS,
    PATIENCE_SECONDS,
    Backend,
    Record,
    print_rows,
    say,
    spawner_beside,
    title,
    verdict,
)
from rowcrew.settings import Settings

_INTERVAL_SECONDS: Final = 1
_CREW: Final = "rowcrew.cli.demo_crew:crew"
_THREE: Final = "three of five"
_ALL: Final = "all six"
_STEPS: Final = ["enqueued", "detected", "worker started", "processing", "completed", "worker exited"]


def show_ephemeral() -> int:
    """The demonstration from the first line to the verdict; the exit code."""
    started = time.monotonic()
    print("A spawner starts workers when jobs wait, as many as each queue allows.")
    print("They leave by themselves when they have nothing to do.")
    with private_postgres() as server:
        bring_up_to_date(Settings(database_url=server.url))
        with psycopg.connect(server.url, autocommit=True, row_factory=dict_row) as connection:
            promises = _show(Backend(connection), server.url, server.home)
    return verdict(promises, started)


def _show(backend: Backend, address: str, home: Path) -> Mapping[str, bool]:
    backend.tell("demo/make_queues")
    title(f"A spawner starts: rowcrew spawner --interval {_INTERVAL_SECONDS}")
    options = ["--interval", str(_INTERVAL_SECONDS)]
    variables = {"DATABASE_URL": address, "ROWCREW_MODULES": _CREW, "ROWCREW_DATA_DIR": str(home)}
    with spawner_beside(options, **variables) as spawner:
        promises = _idle(backend) | _one_job(backend)
        promises |= _burst(backend, home) | _three_queues(backend, home)
        title("The spawner gets SIGTERM")
        family = psutil.Process(spawner.pid).children(recursive=True)
        code = stop_worker(spawner)
        _, left = psutil.wait_procs(family, timeout=5)
    _await(lambda: not backend.send("demo/connections"))
    return promises | {
        "the spawner left with exit code 0": code == 0,
        "no process, no connection and no open row of a worker is left": not left
        and not backend.send("demo/connections")
        and not backend.send("demo/open_workers"),
    }


def _idle(backend: Backend) -> dict[str, bool]:
    title("Nobody has anything to do: the only job is for tomorrow")
    backend.tell("demo/enqueue_tomorrow")
    time.sleep(3 * _INTERVAL_SECONDS)
    workers = backend.show("demo/workers_ever")[0]["workers"]
    return {"idle: no worker was started": workers == 0}


def _one_job(backend: Backend) -> dict[str, bool]:
    title("One job, step by step")
    (job,) = backend.tell("demo/enqueue_one")
    say("")
    _await(lambda: _is_over(_crowd(backend, [job["id"]]), 1))
    rows = backend.send("demo/steps", id=job["id"])
    print_rows(rows)
    came_and_went = [row["step"] for row in rows] == _STEPS
    return {"one job: a worker came for it, and was gone afterwards": came_and_went}


def _burst(backend: Backend, home: Path) -> dict[str, bool]:
    title("Five jobs for AI, which may have three workers of one job each")
    rounds, at_once, is_over = _played(backend, "demo/enqueue_burst", jobs=5, at_work=3, seen=home / _THREE)
    return {
        "AI: five jobs brought three workers in one round": rounds[0]["workers"] == 3,
        "AI: when these left, others came for the jobs that were left": len(rounds) > 1
        and sum(row["workers"] for row in rounds) == 5,
        "AI: three jobs ran at once, never more": at_once == 3,
        "AI: all completed, and no worker stayed": is_over,
    }


def _three_queues(backend: Backend, home: Path) -> dict[str, bool]:
    title("Four jobs, three and one for three queues at once")
    rounds, at_once, is_over = _played(backend, "demo/enqueue_three", jobs=8, at_work=6, seen=home / _ALL)
    first = {row["queue"]: row["workers"] for row in reversed(rounds)}
    return {
        "three queues: 3 + 2 + 1 workers came together": first
        == {"ai_processing": 3, "supabase_upload": 2, "investor_processing": 1},
        "three queues: all six were at work at once, never more": at_once == 6,
        "three queues: all completed, and no worker stayed": is_over,
    }


def _played(
    backend: Backend, enqueue: str, *, jobs: int, at_work: int, seen: Path
) -> tuple[list[Record], int, bool]:
    """Enqueue jobs that work until so many have been seen at it: rounds of starts, most at once, all over."""
    [moment] = backend.send("demo/now")
    ids = [row["id"] for row in backend.tell(enqueue)]
    say("")
    _await(lambda: _crowd(backend, ids)["running"] >= at_work)
    _tell(_crowd(backend, ids))
    seen.touch()
    _await(lambda: _is_over(_crowd(backend, ids), jobs))
    crowd = _crowd(backend, ids)
    _tell(crowd)
    rounds = backend.send("demo/rounds", since=moment["now"])
    print_rows(rounds)
    [at_once] = backend.send("demo/at_once", ids=ids)
    return rounds, at_once["jobs"], _is_over(crowd, jobs)


def _crowd(backend: Backend, ids: list[int]) -> Record:
    [crowd] = backend.send("demo/crowd", ids=ids)
    return crowd


def _is_over(crowd: Record, jobs: int) -> bool:
    return bool(crowd["completed"] == jobs and crowd["workers"] == 0)


def _tell(crowd: Record) -> None:
    say("  jobs: {ready} ready, {running} at work, {completed} completed; workers: {workers}".format(**crowd))


def _await(is_so: Callable[[], bool]) -> None:
    """Wait until it is so, within reason: whoever looks next judges."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so() and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
