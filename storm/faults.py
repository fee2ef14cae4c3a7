"""The faults, and the script of a storm: which fault, when, against whom, for how long, all from one seed.

A fault is a generator of one step: it hurts, yields while it lasts, and heals. Each runs in a thread of its
own; those that take the server down take turns.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any, Final, NamedTuple

import psutil
import psycopg

from rig.limits import no_descriptors, no_memory, no_processes, process_limit_permitted
from rig.proxy import Proxy
from rowcrew.table.statements import SQL
from storm import network
from storm.history import Fault
from storm.site import MOST_CONNECTIONS, Member, Site

PURPOSES: Final = ("reserve", "record", "heartbeat", "chores", "wake-up")


class Blow(NamedTuple):
    """One line of the script. `dice` is a number that the fault may use to choose."""

    at: float
    kind: str
    place: int
    seconds: float
    dice: int

    def __str__(self) -> str:
        return f"{self.at:7.2f}  {self.kind} (place {self.place}, {self.seconds:.1f} s)"


class Unfinished(Exception):
    """A fault did not happen, or not in full; the message says why."""


class Weather(NamedTuple):
    """How often, and how hard."""

    gap_seconds: tuple[float, float]
    longest_seconds: float
    long_ones: bool
    held_seconds: tuple[float, float]
    drain_seconds: float


SHORT: Final = Weather((0.3, 3.5), 4.0, False, (2.0, 5.0), 180.0)
LONG: Final = Weather((0.3, 8.0), 6.0, True, (10.0, 40.0), 600.0)

# How often each comes; those of the second row last longer than a lease.
WEIGHTS: Final[Mapping[str, float]] = {
    "kill worker": 3, "kill runner": 3, "term": 2, "term and kill": 1, "pause": 2, "pause runner": 1,
    "pause family": 1, "declare lost": 3, "end connection": 3, "restart": 1, "crash": 1, "kill backend": 1,
    "cut": 2, "stall": 2, "mute": 1, "exhaust connections": 1, "flood": 1, "lock table": 1,
    "vacuum full": 0.5, "reindex": 0.5, "migrate": 0.5, "exhaust descriptors": 1, "exhaust runner": 1,
    "exhaust memory": 1, "exhaust processes": 1, "deaf log": 1.5, "read only": 0.7,
    **dict.fromkeys(network.RULES, 0.5),
}  # fmt: skip
POOLER_WEIGHTS: Final[Mapping[str, float]] = {"kill pooler": 1, "pause pooler": 1}
LONG_WEIGHTS: Final[Mapping[str, float]] = {
    "pause": 1,
    "pause family": 1,
    "stall": 1,
    "mute": 1,
    "kill worker": 1,
    "deaf log": 1,
    "drop all packets": 1,
}
# These leave the worker of the last place alone, so that one lives through the whole storm.
ENDING: Final = frozenset({"kill worker", "term", "term and kill"})
LONG_SECONDS: Final = (35.0, 45.0)
LOST_SECONDS: Final = (1.0, 5.0)


def script(seed: int, seconds: float, places: int, weather: Weather, *, pooled: bool = False) -> list[Blow]:
    """The blows of a storm; the same arguments always give the same script."""
    short_ones = {**WEIGHTS, **POOLER_WEIGHTS} if pooled else WEIGHTS
    dice = random.Random(seed)
    blows = []
    at = dice.uniform(*weather.gap_seconds)
    while at < seconds:
        long = weather.long_ones and dice.random() < 0.06 and at < seconds - LONG_SECONDS[1]
        weights = LONG_WEIGHTS if long else short_ones
        kind = dice.choices(list(weights), list(weights.values()))[0]
        lasts = dice.uniform(*LONG_SECONDS) if long else dice.uniform(0.5, weather.longest_seconds)
        place = dice.randrange(max(1, places - 1) if kind in ENDING else places)
        blows.append(Blow(at, kind, place, lasts, dice.randrange(1 << 30)))
        at += dice.uniform(*weather.gap_seconds)
    return blows


def with_promotion(blows: list[Blow], seed: int, seconds: float) -> list[Blow]:
    """The same, and in the midst of it a promotion that loses some seconds."""
    lost_seconds = random.Random(f"promotion {seed}").uniform(*LOST_SECONDS)
    return sorted([*blows, Blow(seconds / 2, "promote", 0, lost_seconds, 0)])


def strike(site: Site, blows: list[Blow]) -> None:
    """Carry out a script; returns when the last fault has healed."""
    began = time.monotonic()
    threads = []
    for blow in blows:
        time.sleep(max(0.0, began + blow.at - time.monotonic()))
        thread = threading.Thread(target=_suffer, args=(site, blow), daemon=True)
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()


def _suffer(site: Site, blow: Blow) -> None:
    member = site.members[blow.place]
    number = member.number
    start = time.time()
    detail = ""
    try:
        with FAULTS[blow.kind](site, member, blow):
            start = min(start, time.time())
    except (psycopg.Error, psutil.Error, OSError, Unfinished) as error:
        # The server may be away because of another fault; then this one has not come to much.
        detail = str(error) if isinstance(error, Unfinished) else type(error).__name__
    whose = number if blow.kind in OF_ONE_WORKER else None
    site.faults.append(Fault(blow.kind, start, time.time(), whose, detail))
    site.write_down("fault", kind=blow.kind, start=start, process=whose, detail=detail)


@contextmanager
def kill_worker(_site: Site, member: Member, blow: Blow) -> Iterator[None]:
    member.restart_at = time.monotonic() + (blow.seconds if blow.dice % 2 or blow.seconds > 30 else 0)
    member.signal(signal.SIGKILL)
    yield


@contextmanager
def kill_runner(_site: Site, member: Member, blow: Blow) -> Iterator[None]:
    _kill_one(member, blow)
    yield


@contextmanager
def term(_site: Site, member: Member, _blow: Blow) -> Iterator[None]:
    member.signal(signal.SIGTERM)
    yield


@contextmanager
def term_and_kill(_site: Site, member: Member, blow: Blow) -> Iterator[None]:
    worker = member.worker
    member.signal(signal.SIGTERM)
    time.sleep(blow.seconds)
    if member.worker is worker:  # and not a successor, which nobody told to leave
        member.signal(signal.SIGKILL)
    yield


@contextmanager
def pause(_site: Site, member: Member, blow: Blow) -> Iterator[None]:
    member.signal(signal.SIGSTOP)
    time.sleep(blow.seconds)
    yield
    member.signal(signal.SIGCONT)


@contextmanager
def pause_runner(_site: Site, member: Member, blow: Blow) -> Iterator[None]:
    yield from _paused(_runners(member, blow), blow.seconds)


@contextmanager
def pause_family(_site: Site, member: Member, blow: Blow) -> Iterator[None]:
    assert member.worker is not None
    with suppress(psutil.NoSuchProcess):
        yield from _paused([psutil.Process(member.worker.pid), *member.worker.family()], blow.seconds)
        return
    yield


@contextmanager
def declare_lost(site: Site, member: Member, blow: Blow) -> Iterator[None]:
    """Pause a worker, and do what a rescuer does once its lease has passed."""
    member.signal(signal.SIGSTOP)
    try:
        time.sleep(0.2)
        with site.connect("rowcrew chores") as rescuer:
            pid = 0 if member.worker is None else member.worker.pid
            seen = rescuer.execute(
                'SELECT id, beats FROM workers WHERE pid = %s AND "lostAt" IS NULL', (pid,)
            ).fetchall()
            parameters = {
                "workers": [row[0] for row in seen],
                "beats": [row[1] for row in seen],
                "only": None,
            }
            rescuer.execute(SQL["worker/rescue"], parameters)
        time.sleep(blow.seconds)
    finally:
        member.signal(signal.SIGCONT)
    yield


@contextmanager
def end_connection(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    with site.connect("storm fault") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid)"
            " FROM (SELECT pid FROM pg_stat_activity WHERE application_name LIKE %s"
            " ORDER BY pid LIMIT 1 OFFSET %s) AS one",
            (f"rowcrew {PURPOSES[blow.dice % len(PURPOSES)]}%", blow.place),
        )
    yield


@contextmanager
def restart(site: Site, _member: Member, _blow: Blow) -> Iterator[None]:
    with site.server_fault:
        site.server.restart("fast")
        yield


@contextmanager
def crash(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    with site.server_fault:
        site.server.halt("immediate")
        time.sleep(blow.seconds)
        site.server.resume()
        yield


@contextmanager
def kill_backend(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    """One killed backend makes the server end all others and recover."""
    with site.server_fault:
        with site.connect("storm fault") as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'rowcrew%%' ORDER BY pid"
            ).fetchall()
        if rows:
            os.kill(rows[blow.dice % len(rows)][0], signal.SIGKILL)
            time.sleep(0.3)
            site.patiently("storm fault", "SELECT 1")
        yield


@contextmanager
def cut(_site: Site, member: Member, _blow: Blow) -> Iterator[None]:
    _proxy_of(_site, member).cut()
    yield


@contextmanager
def stall(site: Site, member: Member, blow: Blow) -> Iterator[None]:
    proxy = _proxy_of(site, member)
    proxy.stall()
    time.sleep(blow.seconds)
    yield
    proxy.heal()


@contextmanager
def mute(site: Site, member: Member, blow: Blow) -> Iterator[None]:
    """Answers are swallowed. The connections stay open, so only the worker's own patience ends the wait."""
    proxy = _proxy_of(site, member)
    proxy.mute()
    time.sleep(blow.seconds)
    yield
    proxy.heal()


@contextmanager
def exhaust_connections(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    held: list[psycopg.Connection[Any]] = []
    try:
        with suppress(psycopg.OperationalError):
            held.extend(site.connect("storm fault") for _ in range(MOST_CONNECTIONS))
        time.sleep(blow.seconds)
        yield
    finally:
        for connection in held:
            connection.close()


@contextmanager
def flood(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    with site.connect("storm producer") as connection:
        connection.execute(
            "INSERT INTO jobs (type, payload)"
            " SELECT 'sleeps', '{\"seconds\": 0.001}' FROM generate_series(1, %s)",
            (300 + blow.dice % 700,),
        )
    yield


@contextmanager
def lock_table(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    with site.connect("storm fault") as connection, connection.transaction():
        connection.execute("SET LOCAL lock_timeout = '5s'")
        connection.execute("LOCK TABLE jobs")
        time.sleep(blow.seconds)
        yield


@contextmanager
def vacuum_full(site: Site, _member: Member, _blow: Blow) -> Iterator[None]:
    with site.connect("storm fault") as connection:
        connection.execute("SET lock_timeout = '5s'")  # else all wait behind it for whoever holds a row
        connection.execute("VACUUM FULL jobs")
    yield


@contextmanager
def reindex(site: Site, _member: Member, _blow: Blow) -> Iterator[None]:
    with site.connect("storm fault") as connection:
        connection.execute("REINDEX TABLE CONCURRENTLY jobs")
    yield


@contextmanager
def migrate(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    """The next version migrates and is rolled back, while workers of this version run and start."""
    came = site.next_version.come(site.server.url)
    time.sleep(blow.seconds)
    went = site.next_version.go(site.server.url)
    if not came or not went:
        raise Unfinished("the migration found no way through")
    yield


@contextmanager
def exhaust_descriptors(_site: Site, member: Member, blow: Blow) -> Iterator[None]:
    """Control keeps its connections, and can open no new ones, no runners and no files."""
    assert member.worker is not None
    with no_descriptors(member.worker.pid):
        if blow.dice % 2:
            _kill_one(member, blow)
        time.sleep(blow.seconds)
        yield


@contextmanager
def exhaust_runner(_site: Site, member: Member, blow: Blow) -> Iterator[None]:
    """A runner can open no more descriptors."""
    with _limited(no_descriptors, _runners(member, blow), blow.seconds):
        yield


@contextmanager
def exhaust_memory(_site: Site, member: Member, blow: Blow) -> Iterator[None]:
    """A runner gets no more memory."""
    with _limited(no_memory, _runners(member, blow), blow.seconds):
        yield


@contextmanager
def exhaust_processes(_site: Site, member: Member, blow: Blow) -> Iterator[None]:
    """A worker that loses a runner and can start no other."""
    assert member.worker is not None
    if not process_limit_permitted():
        raise Unfinished("no control groups")
    with no_processes(member.worker.pid):
        _kill_one(member, blow)
        time.sleep(blow.seconds)
        yield


@contextmanager
def deaf_log(_site: Site, member: Member, blow: Blow) -> Iterator[None]:
    """Nobody reads what the worker and its runners write."""
    pipe = member.log_pipe
    assert pipe is not None
    pipe.go_deaf()
    time.sleep(blow.seconds)
    yield
    pipe.hear()


@contextmanager
def read_only(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    """What a fail-over looks like: sessions that were opened meanwhile stay read-only."""
    with site.server_fault:
        site.patiently("storm fault", "ALTER DATABASE postgres SET default_transaction_read_only = on")
        site.patiently(
            "storm fault",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'rowcrew%%'",
        )
        time.sleep(blow.seconds)
        yield
        _allow_writes(site)


def _allow_writes(site: Site) -> None:
    while True:
        with suppress(psycopg.OperationalError), site.connect("storm fault") as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER DATABASE postgres RESET default_transaction_read_only")
            return
        time.sleep(0.2)


@contextmanager
def promote(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    """A stand-by falls behind, and takes the server's place: the last commits are gone for good."""
    assert site.standby is not None
    with site.server_fault:
        site.standby.fall_behind()
        time.sleep(blow.seconds)
        site.promote()
        yield


def packets(kind: str) -> Callable[[Site, Member, Blow], Any]:
    """What happens to the packets of the one worker that has a network of its own."""

    @contextmanager
    def hurt(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
        if site.namespace is None:
            raise Unfinished("no network namespace")
        site.namespace.hurt(kind)
        time.sleep(blow.seconds)
        yield
        site.namespace.heal()

    return hurt


@contextmanager
def kill_pooler(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    assert site.pooler is not None
    with site.pooler_fault:
        site.pooler.kill()
        time.sleep(blow.seconds)
        site.pooler.start()
        yield


@contextmanager
def pause_pooler(site: Site, _member: Member, blow: Blow) -> Iterator[None]:
    assert site.pooler is not None
    with site.pooler_fault:
        site.pooler.signal(signal.SIGSTOP)
        time.sleep(blow.seconds)
        yield
        site.pooler.signal(signal.SIGCONT)


def _kill_one(member: Member, blow: Blow) -> None:
    for runner in _runners(member, blow):
        runner.kill()


def _runners(member: Member, blow: Blow) -> list[psutil.Process]:
    """One of its runners, if it has any; not what handlers have started there."""
    family = [] if member.worker is None else member.worker.children()
    return [family[blow.dice % len(family)]] if family else []


@contextmanager
def _limited(
    limit: Callable[[int], AbstractContextManager[None]], processes: list[psutil.Process], seconds: float
) -> Iterator[None]:
    with ExitStack() as limited:
        for process in processes:
            limited.enter_context(limit(process.pid))
        time.sleep(seconds)
        yield


def _paused(processes: list[psutil.Process], seconds: float) -> Iterator[None]:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    time.sleep(seconds)
    yield
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def _proxy_of(site: Site, member: Member) -> Proxy:
    """Every second place speaks through a proxy; a blow at another hits its neighbour."""
    places = [other for other in site.members if other.proxy is not None]
    chosen = member if member.proxy is not None else places[site.members.index(member) % len(places)]
    assert chosen.proxy is not None
    return chosen.proxy


FAULTS: Final[Mapping[str, Callable[[Site, Member, Blow], Any]]] = {
    "kill worker": kill_worker,
    "kill runner": kill_runner,
    "term": term,
    "term and kill": term_and_kill,
    "pause": pause,
    "pause runner": pause_runner,
    "pause family": pause_family,
    "declare lost": declare_lost,
    "end connection": end_connection,
    "restart": restart,
    "crash": crash,
    "kill backend": kill_backend,
    "cut": cut,
    "stall": stall,
    "mute": mute,
    "exhaust connections": exhaust_connections,
    "flood": flood,
    "lock table": lock_table,
    "vacuum full": vacuum_full,
    "reindex": reindex,
    "migrate": migrate,
    "exhaust descriptors": exhaust_descriptors,
    "exhaust runner": exhaust_runner,
    "exhaust memory": exhaust_memory,
    "exhaust processes": exhaust_processes,
    "deaf log": deaf_log,
    "read only": read_only,
    "kill pooler": kill_pooler,
    "pause pooler": pause_pooler,
    "promote": promote,
    **{kind: packets(kind) for kind in network.RULES},
}
OF_ONE_WORKER: Final = frozenset(
    {
        "kill worker",
        "kill runner",
        "term",
        "term and kill",
        "pause",
        "pause runner",
        "pause family",
        "declare lost",
        "exhaust descriptors",
        "exhaust runner",
        "exhaust memory",
        "exhaust processes",
        "deaf log",
    }
)
