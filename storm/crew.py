"""The handlers of the storm: good ones, bad ones and deadly ones; each writes down its start and its end.

Loaded by runners as `storm.crew:crew`. JOURNAL names the file that every run appends to, STORM_PROCESS the
worker process it belongs to.
"""

from __future__ import annotations

import asyncio
import ctypes
import functools
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from rowcrew import Backoff, Context, Crew, NewJob, Snooze
from storm.odd import ENDINGS

SOON: Final = Backoff(base_seconds=0.2, factor=2.0, cap_seconds=2.0)
# The redaction must keep it out of every row and line, whatever it looks like to a person.
CANARY: Final = "canary-7f3a91d2"
# After so many times psycopg prepares a statement, unless it was told not to.
PREPARED_AFTER: Final = 5
GARBAGE: Final = (
    b"\0\0\0\x08\xff\xff\xff\xf7garbage!",
    b"\0\0\0\x08garbage!",
    b"\xff\xff\xff\xff",
    b"\0\x10\0\0half",
)
# After so long a runner ends through what a handler left; others have come and gone by then.
DEATH_SECONDS: Final = 7.0
A_COPY: Final = "a copy"
MOST_DESCRIPTORS: Final = 256
RUNNER: Final = os.getpid()

crew = Crew()


def write_down(what: str, context: Context, **facts: Any) -> None:
    """One line, whole or not at all, in the order in which things happened; nothing from a forked copy."""
    if os.getpid() != RUNNER:
        return
    port: Any = context._port  # the lease is nobody's business but ours
    entry = {
        "what": what,
        "job": context.job.id,
        "type": context.job.type,
        "lease": port.job.lease_id,
        "attempt": context.job.attempt,
        "pid": os.getpid(),
        "process": int(os.environ["STORM_PROCESS"]),
        "at": time.time(),
        **facts,
    }
    os.write(_journal(), json.dumps(entry).encode() + b"\n")


@functools.cache
def _journal() -> int:
    """Open from the first line on: a run that wrote its start can write its end, whatever is used up then."""
    return os.open(os.environ["JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


@contextmanager
def written_down(context: Context) -> Iterator[None]:
    write_down("start", context)
    how = "raised"
    try:
        yield
        how = "returned"
    finally:
        write_down("end", context, how=how)


@crew.job("sleeps", backoff=SOON)
async def sleeps(context: Context, seconds: float) -> str:
    with written_down(context):
        await asyncio.sleep(seconds)
    return "slept"


@crew.job("sleeps_in_thread", backoff=SOON)
def sleeps_in_thread(context: Context, seconds: float) -> str:
    with written_down(context):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
            context.progress(seconds - left, seconds)
    return "slept"


@crew.job("sleeps_alone", executor="process", backoff=SOON)
def sleeps_alone(context: Context, seconds: float) -> str:
    with written_down(context):
        time.sleep(seconds)
    return "slept"


@crew.job("ticks", backoff=SOON)
async def ticks(context: Context, tick: str) -> str:
    with written_down(context):
        return tick


_in_transaction: set[int] = set()


@contextmanager
def _noted(job: int) -> Iterator[None]:
    _in_transaction.add(job)
    try:
        yield
    finally:
        _in_transaction.discard(job)


@crew.job("writes", backoff=SOON)
async def writes(context: Context, seconds: float) -> str:
    with written_down(context), _noted(context.job.id):
        async with context.transaction() as connection:
            await connection.execute("INSERT INTO storm_effects (job) VALUES (%s)", (context.job.id,))
            for _ in range(PREPARED_AFTER + 1):
                await connection.execute("SELECT %s::bigint", (context.job.id,))
            await asyncio.sleep(seconds)
    return "wrote"


@crew.job("parent", backoff=SOON)
async def parent(context: Context) -> str:
    with written_down(context):
        context.enqueue("sleeps", {"seconds": 0.01})
    return "a parent"


@crew.job("gathers", backoff=SOON)
async def gathers(context: Context, parts: int) -> str:
    """Waits for its children, without a slot; then it runs again."""
    with written_down(context):
        if not await context.dependencies:
            context.wait_for([NewJob("sleeps", {"seconds": 0.1}) for _ in range(parts)])
    return "all have ended"


@crew.job("snoozes", backoff=SOON)
async def snoozes(context: Context) -> str:
    with written_down(context):
        if context.job.checkpoint is None:
            context.checkpoint("snoozed")
            raise Snooze(0.2)
    return "awake"


@crew.job("raises", backoff=SOON)
async def raises(context: Context, times: int) -> str:
    with written_down(context):
        if context.job.attempt <= times:
            raise ValueError(f"before\x00after \udcff password={CANARY}")
    return "at last"


@crew.job("dies", backoff=SOON, max_attempts=2)
async def dies(context: Context) -> None:
    write_down("start", context)
    os.kill(os.getpid(), signal.SIGKILL)


@crew.job("hangs", timeout=1, backoff=SOON, max_attempts=2)
async def hangs(context: Context) -> None:
    """Deaf to its cancellation, so that its runner must be killed."""
    write_down("start", context)
    while True:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            continue


@crew.job("holds_gil", backoff=SOON)
def holds_gil(context: Context, seconds: int) -> str:
    """Sleeps in C without letting go of the GIL: nothing else in this runner moves meanwhile."""
    with written_down(context):
        ctypes.PyDLL(None).sleep(seconds)
    return "awake"


@crew.job("eats", backoff=SOON, max_attempts=2)
async def eats(context: Context, mebibytes: int, seconds: float) -> str:
    """Uses more memory than WORKER_MAX_MEMORY, for longer than it takes to be noticed."""
    with written_down(context):
        eaten = b"x" * (mebibytes << 20)
        await asyncio.sleep(seconds)
    return f"{len(eaten)} bytes"


@crew.job("forks", backoff=SOON)
async def forks(context: Context) -> str:
    """Copies its process, and both copies go on until their handler returns."""
    with written_down(context):
        while _in_transaction:  # noqa: ASYNC110 - a copied neighbour would speak on the same connection
            await asyncio.sleep(0.01)
        copy = os.fork()
        if not copy:
            await asyncio.sleep(0.02)
            return A_COPY
        try:
            for _ in range(500):
                await asyncio.sleep(0.02)
                if os.waitpid(copy, os.WNOHANG)[0]:  # noqa: ASYNC222 - does not wait
                    return "an original"
        except BaseException:
            _end(copy)
            raise
        _end(copy)
        raise RuntimeError("the copy of this process goes on though its handler has returned")


def _end(child: int) -> None:
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@crew.job("garbles", backoff=SOON, max_attempts=2)
async def garbles(context: Context) -> None:
    """Writes what nobody can read into every socket of its runner, and stays."""
    write_down("start", context)
    for descriptor in range(MOST_DESCRIPTORS):
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, GARBAGE[context.job.id % len(GARBAGE)])
    await asyncio.sleep(600)


@crew.job("exits", backoff=SOON, max_attempts=2)
async def exits(context: Context) -> None:
    """Ends the event loop that it shares with others, from a task of its own."""
    write_down("start", context)
    task = asyncio.create_task(_exit())
    await asyncio.sleep(600)
    await task


async def _exit() -> None:
    sys.exit(1)


@crew.job("leaves", backoff=SOON)
async def leaves(context: Context) -> str:
    """Leaves a child, one in a session of its own, and one whose parent is gone; or the end of its runner."""
    with written_down(context):
        if context.job.id % 2:
            death = threading.Timer(DEATH_SECONDS, os._exit, (1,))
            death.daemon = True
            death.start()
            return "left the end"
        for command, apart in (("exec sleep 600", False), ("exec sleep 600", True), ("sleep 600 &", True)):
            subprocess.Popen(["sh", "-c", command], start_new_session=apart)  # noqa: ASYNC220 - left on purpose
    return "left"


async def odd(context: Context) -> str:
    """Nothing is odd about the handler: its row is."""
    with written_down(context):
        await asyncio.sleep(0.01)
    return "ran"


for _type in ENDINGS:
    crew.job(_type, backoff=SOON)(odd)
