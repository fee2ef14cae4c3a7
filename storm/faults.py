"""Carries out the script of a storm, each fault in a thread of its own.

In: the site and blows. Out: faults, as they came to be. What each fault does is in `hurting`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import psutil
import psycopg

from storm import network
from storm.history import Fault
from storm.hurting.acts import kill_in_the_act
from storm.hurting.processes import (
    deaf_log,
    exhaust_descriptors,
    exhaust_memory,
    exhaust_processes,
    exhaust_runner,
    kill_runner,
    kill_worker,
    pause,
    pause_family,
    pause_runner,
    term,
    term_and_kill,
)
from storm.hurting.server import (
    crash,
    declare_lost,
    exhaust_connections,
    flood,
    kill_backend,
    lock_table,
    migrate,
    promote,
    read_only,
    reindex,
    restart,
    vacuum_full,
)
from storm.hurting.ways import cut, end_connection, kill_pooler, mute, packets, pause_pooler, stall
from storm.script import Blow, Unfinished
from storm.site import Member, Site

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
    "kill in the act": kill_in_the_act,
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
    hit = None
    try:
        with FAULTS[blow.kind](site, member, blow) as hit:
            start = min(start, time.time())
    except (psycopg.Error, psutil.Error, OSError, Unfinished) as error:
        # The server may be away because of another fault; then this one has not come to much.
        detail = str(error) if isinstance(error, Unfinished) else type(error).__name__
    whose = number if blow.kind in OF_ONE_WORKER else hit
    site.faults.append(Fault(blow.kind, start, time.time(), whose, detail))
    site.write_down("fault", kind=blow.kind, start=start, process=whose, detail=detail)
