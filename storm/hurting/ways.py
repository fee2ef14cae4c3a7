"""Faults of the way between workers and the server: connections, packets and the pooler.

In: the site, a member and a blow. Out: nothing but harm, healed in the end.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rig.proxy import Proxy
from storm.script import Blow, Unfinished
from storm.site import Member, Site

PURPOSES: Final = ("reserve", "record", "heartbeat", "chores", "wake-up")


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


def _proxy_of(site: Site, member: Member) -> Proxy:
    """Every second place speaks through a proxy; a blow at another hits its neighbour."""
    places = [other for other in site.members if other.proxy is not None]
    chosen = member if member.proxy is not None else places[site.members.index(member) % len(places)]
    assert chosen.proxy is not None
    return chosen.proxy
