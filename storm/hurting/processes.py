"""Faults of a worker and its runners: they are killed, stopped, paused, or refused what they ask for.

In: a member and a blow. Out: nothing but harm, healed in the end.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress

import psutil

from rig.limits import no_descriptors, no_memory, no_processes, process_limit_permitted
from storm.script import Blow, Unfinished
from storm.site import Member, Site


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
