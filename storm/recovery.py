"""How long the work stands still after each fault, measured one fault at a time with nothing else going on.

Two workers and one job that runs on: hurt the worker that holds it, and take the time until the job runs
again (or, where nothing is lost, until the next new job runs). Printed as the documentation's table.
"""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import psutil

from rig.waiting import eventually
from storm.history import entries
from storm.site import Member, Site

PATIENCE_SECONDS: Final = 120.0
HELD: Final = '{"seconds": 600}'


class Hurt(NamedTuple):
    """The held job's id, the worker that holds it and its runner's process."""

    job: int
    member: Member
    runner: int


def starts(site: Site, job: int) -> list[dict[str, Any]]:
    return [entry for entry in entries(site.journal) if entry["what"] == "start" and entry["job"] == job]


def awaited(site: Site, job: int, times: int) -> dict[str, Any]:
    """Wait until the job has begun so many times; the journal's entry of the last start."""

    def enough() -> list[dict[str, Any]]:
        found = starts(site, job)
        return found if len(found) >= times else []

    return eventually(enough, PATIENCE_SECONDS)[times - 1]


def enqueue(site: Site, payload: str) -> int:
    rows = site.patiently(
        "storm producer",
        "INSERT INTO jobs (type, payload) VALUES ('sleeps', %s::jsonb) RETURNING id",
        payload,
    )
    return int(rows[0][0])


@contextmanager
def held_job(*, through_proxy: bool = False) -> Iterator[tuple[Site, Hurt]]:
    """Two workers that stay as they are, and a job held by one: the one behind the proxy, if asked for."""
    with tempfile.TemporaryDirectory(prefix="storm-") as directory, Site(Path(directory), members=2) as site:
        while True:
            job = enqueue(site, HELD)
            entry = awaited(site, job, 1)
            member = next(member for member in site.members if member.number == entry["process"])
            if not through_proxy or member.proxy is not None:
                break
        for other in site.members:
            other.restart_at = float("inf")
        yield site, Hurt(job, member, entry["pid"])


def until_it_runs_again(site: Site, hurt: Hurt, began: float) -> float:
    return float(awaited(site, hurt.job, 2)["at"]) - began


def kill_worker() -> float:
    with held_job() as (site, hurt):
        began = time.time()
        hurt.member.signal(signal.SIGKILL)
        return until_it_runs_again(site, hurt, began)


def kill_and_restart_worker() -> float:
    with held_job() as (site, hurt):
        began = time.time()
        hurt.member.restart_at = 0.0
        hurt.member.signal(signal.SIGKILL)
        return until_it_runs_again(site, hurt, began)


def terminate_worker() -> float:
    """SHUTDOWN_GRACE is 3 seconds in a storm."""
    with held_job() as (site, hurt):
        began = time.time()
        hurt.member.signal(signal.SIGTERM)
        return until_it_runs_again(site, hurt, began)


def kill_runner() -> float:
    with held_job() as (site, hurt):
        began = time.time()
        psutil.Process(hurt.runner).kill()
        return until_it_runs_again(site, hurt, began)


def pause_worker() -> float:
    with held_job() as (site, hurt):
        began = time.time()
        hurt.member.signal(signal.SIGSTOP)
        seconds = until_it_runs_again(site, hurt, began)
        hurt.member.signal(signal.SIGCONT)
        return seconds


def half_open() -> float:
    with held_job(through_proxy=True) as (site, hurt):
        assert hurt.member.proxy is not None
        began = time.time()
        hurt.member.proxy.mute()
        return until_it_runs_again(site, hurt, began)


def _server_away(stop: str) -> float:
    with held_job() as (site, hurt):
        # A reservation of the last moments before a crash may be lost; a later durable commit makes it last.
        awaited(site, enqueue(site, '{"seconds": 0.001}'), 1)
        site.server.halt("immediate" if stop == "crash" else "fast")
        site.server.resume()
        began = time.time()
        seconds = float(awaited(site, enqueue(site, '{"seconds": 0.001}'), 1)["at"]) - began
        assert len(starts(site, hurt.job)) == 1, "the held job was disturbed"
        return seconds


def restart() -> float:
    return _server_away("restart")


def crash() -> float:
    return _server_away("crash")


FAULTS: Final[tuple[tuple[str, str, Callable[[], float]], ...]] = (
    ("kill -9 of a runner", "its job runs again", kill_runner),
    ("SIGTERM of a worker, SHUTDOWN_GRACE=3", "its job runs elsewhere", terminate_worker),
    ("kill -9 of a worker that is started again", "its job runs again", kill_and_restart_worker),
    ("kill -9 of a worker that stays away", "its job runs elsewhere", kill_worker),
    ("SIGSTOP of a worker", "its job runs elsewhere", pause_worker),
    ("half-open connections: a proxy swallows all answers", "its job runs elsewhere", half_open),
    ("fast restart of PostgreSQL", "a new job runs, counted from when it accepts connections", restart),
    ("crash of PostgreSQL", "a new job runs, counted from when it accepts connections", crash),
)


def measure(rounds: int) -> None:
    print("| fault | until | seconds |\n|---|---|---|")
    for fault, until, scenario in FAULTS:
        seconds = sorted(scenario() for _ in range(rounds))
        print(f"| {fault} | {until} | {', '.join(f'{one:.1f}' for one in seconds)} |", flush=True)
