"""The handlers of the engine's tests: each does one thing, good or bad, and writes down when it began.

Loaded by runner processes as `crew_under_test:crew`. JOURNAL names the file that every run appends to; a
gate is a file that a test makes when a handler that waits for it may go on.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path
from typing import Any

from rowcrew import Backoff, Cancel, Context, Crew, PermanentError, Retry, Snooze

AT_ONCE = Backoff(base_seconds=0.01, factor=1.0, cap_seconds=0.01)

crew = Crew()
hoard: list[bytes] = []


def write_down(what: str, context: Context, **facts: Any) -> None:
    entry = {
        "what": what,
        "job": context.job.id,
        "type": context.job.type,
        "attempt": context.job.attempt,
        "pid": os.getpid(),
        "at": time.monotonic(),
        **facts,
    }
    journal = os.open(os.environ["JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(journal, json.dumps(entry).encode() + b"\n")
    finally:
        os.close(journal)


async def opened(gate: str) -> None:
    while not Path(gate).exists():  # noqa: ASYNC110, ASYNC240 - another process makes the file
        await asyncio.sleep(0.01)


def opened_to_thread(gate: str) -> None:
    while not Path(gate).exists():
        time.sleep(0.01)


# Good ones.


@crew.job("noop")
async def noop() -> None:
    pass


@crew.job("tick")
async def tick(context: Context) -> None:
    write_down("start", context)


@crew.job("echo")
async def echo(value: Any) -> Any:
    return value


@crew.job("hold")
async def hold(context: Context, gate: str) -> str:
    write_down("start", context)
    try:
        await opened(gate)
    finally:
        write_down("end", context)
    return "let go"


@crew.job("hold_each")
async def hold_each(context: Context, gate: str) -> str:
    """Every attempt has a gate of its own."""
    write_down("start", context)
    await opened(f"{gate}-{context.job.attempt}")
    write_down("end", context)
    return f"attempt {context.job.attempt}"


@crew.job("answers_much")
async def answers_much(context: Context, gate: str, characters: int) -> str:
    write_down("start", context)
    await opened(gate)
    write_down("end", context)
    return "x" * characters


@crew.job("leaves_much")
async def leaves_much(context: Context, gate: str, characters: int) -> None:
    """Leaves a large checkpoint, then runs until the gate opens."""
    write_down("start", context)
    await opened(f"{gate}-begin")
    context.checkpoint("x" * characters)
    await opened(gate)


@crew.job("naps")
async def naps(seconds: float) -> None:
    await asyncio.sleep(seconds)


@crew.job("rests")
async def rests(context: Context) -> None:
    """Short enough to be reserved ahead, long enough to meet others."""
    write_down("start", context)
    await asyncio.sleep(0.001)
    write_down("end", context)


@crew.job("hold_thread")
def hold_thread(context: Context, gate: str) -> str:
    """Never looks whether it should stop."""
    write_down("start", context)
    opened_to_thread(gate)
    write_down("end", context)
    return "let go"


@crew.job("hold_process", executor="process")
def hold_process(context: Context, gate: str) -> str:
    write_down("start", context)
    opened_to_thread(gate)
    write_down("end", context)
    return "let go"


@crew.job("polite")
def polite(context: Context) -> None:
    """Runs until it is told to stop."""
    write_down("start", context)
    try:
        while True:
            time.sleep(0.01)
            context.progress(1, message="still here")
    finally:
        write_down("end", context)


@crew.job("strict")
async def strict(count: int, names: list[str] | None = None) -> int:
    return count


# Ends of other kinds.


@crew.job("fails", backoff=Backoff(base_seconds=0.2, factor=1.0, cap_seconds=0.2, jitter=False))
async def fails(context: Context, times: int) -> str:
    write_down("start", context)
    if context.job.attempt <= times:
        raise ValueError(f"attempt {context.job.attempt} failed, password=hunter2")
    return "at last"


@crew.job("slow_to_retry", backoff=Backoff(base_seconds=300.0, jitter=False))
async def slow_to_retry() -> None:
    raise ValueError("not this time")


@crew.job("permanent")
async def permanent() -> None:
    raise PermanentError("no such customer")


@crew.job("ends", backoff=AT_ONCE)
async def ends(context: Context, how: str, returned: bool = False) -> Any:
    write_down("start", context)
    if context.job.attempt > 1 and how == "retry":
        return "after a retry"
    if context.job.checkpoint == "snoozed" and how == "snooze":
        return "after a snooze"
    if how == "snooze":
        context.checkpoint("snoozed")
    end = {
        "snooze": Snooze(0.05),
        "retry": Retry(after=0.05, reason="the other side is busy"),
        "cancel": Cancel("nothing to do"),
    }[how]
    if returned:
        return end
    raise end


@crew.job("unstorable", backoff=AT_ONCE)
async def unstorable(context: Context, where: str, text: str) -> Any:
    """Text comes in escapes that JSON payloads cannot carry: `nul`, `surrogate`, `nan`, `object`, `deep`."""
    value: Any = {
        "nul": "before\x00after",
        "surrogate": "before\udcffafter",
        "nan": float("nan"),
        "infinity": float("inf"),
        "object": object(),
        "huge": "x" * 1_100_000,
        "deep": _deep(),
        "number": 10**400,
    }[text]
    if where == "result":
        return {"value": value}
    if where == "progress":
        context.progress(1, 2, value)
    elif where == "checkpoint":
        context.checkpoint({"value": value})
    elif where == "error":
        raise ValueError(value)
    return "done"


def _deep() -> Any:
    value: Any = []
    for _ in range(20_000):
        value = [value]
    return value


# Contexts.


@crew.job("tells")
async def tells(context: Context, gate: str) -> None:
    context.progress(5, 10, "Processing chunks")
    write_down("start", context)
    await opened(gate)


@crew.job("talks")
async def talks(context: Context, gate: str) -> None:
    """Tells its progress as often as it can."""
    current = 0
    while not Path(gate).exists():  # noqa: ASYNC240 - a look at a local directory
        current += 1
        context.progress(current)
        await asyncio.sleep(0.002)


@crew.job("remembers")
async def remembers(context: Context, gate: str) -> Any:
    write_down("start", context, found=context.job.checkpoint)
    if context.job.checkpoint is None:
        context.checkpoint({"chunk": 3})
        await opened(gate)
    return context.job.checkpoint


@crew.job("parent")
async def parent(context: Context, gate: str, children: int = 2) -> str:
    for number in range(children):
        context.enqueue("echo", {"value": number})
    write_down("start", context)
    await opened(gate)
    return "a parent"


@crew.job("emits", max_attempts=1)
async def emits(context: Context, raises: bool = False, in_transaction: bool = False) -> str:
    """Tell that it rained: with the row, with an own transaction, or in vain."""
    if in_transaction:
        async with context.transaction() as connection:
            await connection.execute("SELECT 1")
    context.emit("rained", "Oslo", count=2, detail={"mm": 7})
    if raises:
        raise ValueError("changed my mind")
    return "told"


@crew.job("emits_in_thread")
def emits_in_thread(context: Context) -> str:
    with context.transaction() as connection:
        connection.execute("SELECT 1")
    context.emit("rained", "Oslo", count=2, detail={"mm": 7})
    return "told"


@crew.job("transacts", max_attempts=1)
async def transacts(context: Context, gate: str, raises: bool = False) -> str:
    async with context.transaction() as connection:
        await connection.execute("INSERT INTO written (job) VALUES (%s)", (context.job.id,))
        context.enqueue("echo", {"value": "child"})
        write_down("start", context)
        await opened(gate)
        if raises:
            raise ValueError("changed my mind")
    return "committed"


@crew.job("transacts_thread")
def transacts_thread(context: Context) -> str:
    with context.transaction() as connection:
        connection.execute("INSERT INTO written (job) VALUES (%s)", (context.job.id,))
    return "committed"


@crew.job("transacts_often")
async def transacts_often(context: Context, times: int) -> str:
    """The same statement so often that psycopg would prepare it."""
    async with context.transaction() as connection:
        for _ in range(times):
            await connection.execute("INSERT INTO written (job) VALUES (%s)", (context.job.id,))
    return "committed"


@crew.job("transacts_often_in_thread")
def transacts_often_in_thread(context: Context, times: int) -> str:
    with context.transaction() as connection:
        for _ in range(times):
            connection.execute("INSERT INTO written (job) VALUES (%s)", (context.job.id,))
    return "committed"


@crew.job("writes_log")
def writes_log(context: Context) -> None:
    context.log.info("through the context", chunk=3)
    logging.getLogger("library").warning("through the standard library")


# Deaths.


@crew.job("dies", backoff=AT_ONCE)
async def dies(context: Context, how: str) -> str:
    write_down("start", context)
    match how:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "os._exit":
            os._exit(0)
        case "sys.exit":
            sys.exit(3)
        case "keyboard_interrupt":
            raise KeyboardInterrupt
        case "cancelled":
            raise asyncio.CancelledError
        case "recursion":
            _recurse()
        case "stop_iteration":
            raise StopIteration
        case "close_descriptors":
            os.closerange(3, 1_024)
        case "segfault":
            ctypes.string_at(0)
    return "survived"


def _recurse() -> None:
    _recurse()


@crew.job("kills_worker")
async def kills_worker(context: Context) -> None:
    """What a platform does that ends a whole container because one of its processes took too much."""
    write_down("start", context)
    os.kill(os.getppid(), signal.SIGKILL)
    await asyncio.sleep(600)


@crew.job("dies_in_thread", backoff=AT_ONCE)
def dies_in_thread(context: Context, how: str) -> str:
    write_down("start", context)
    match how:
        case "sys.exit":
            sys.exit(3)
        case "keyboard_interrupt":
            raise KeyboardInterrupt
        case "stop_iteration":
            raise StopIteration
        case "recursion":
            _recurse()
    return "survived"


@crew.job("dies_alone", executor="process", backoff=AT_ONCE)
def dies_alone(context: Context, times: int) -> str:
    write_down("start", context)
    if context.job.attempt <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


@crew.job("leaves_a_death")
async def leaves_a_death(context: Context, how: str, gate: str) -> None:
    _die_later(context, how, gate)


@crew.job("leaves_a_death_alone", executor="process")
def leaves_a_death_alone(context: Context, how: str, gate: str) -> None:
    _die_later(context, how, gate)


def _die_later(context: Context, how: str, gate: str) -> None:
    """A thread, which nobody waits for, ends the process after the handler has."""

    def die() -> None:
        opened_to_thread(gate)
        match how:
            case "os._exit":
                os._exit(0)
            case "segfault":
                ctypes.string_at(0)

    threading.Thread(target=die, daemon=True).start()
    write_down("start", context)


@crew.job("leaves_children")
async def leaves_children(context: Context, gate: str) -> None:
    child = subprocess.Popen(["sleep", "600"])  # noqa: ASYNC220 - the test is about what it leaves
    write_down("start", context, child=child.pid)
    await opened(gate)


@crew.job("holds_a_program")
def holds_a_program(context: Context, gate: str) -> int:
    """The exit code of a program that waits for a gate; a signal to all processes ends it."""
    program = subprocess.Popen(["sh", "-c", 'until [ -e "$0" ]; do sleep 0.05; done', gate])
    write_down("start", context, child=program.pid)
    return program.wait()


@crew.job("leaves_programs")
async def leaves_programs(context: Context, gate: str) -> None:
    """Two children, two that left for a session of their own, two whose parent is gone."""
    orphan = ["sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!"]
    plain = [subprocess.Popen(["sleep", "600"]).pid for _ in range(2)]  # noqa: ASYNC220
    apart = [subprocess.Popen(["sleep", "600"], start_new_session=True).pid for _ in range(2)]  # noqa: ASYNC220
    orphans = [
        int(subprocess.run(orphan, capture_output=True, start_new_session=True).stdout)  # noqa: ASYNC221
        for _ in range(2)
    ]
    write_down("start", context, programs=[*plain, *apart, *orphans])
    await opened(gate)


# Stubbornness.


@crew.job("stubborn")
async def stubborn(context: Context, gate: str) -> None:
    """Catches its cancellation and goes on."""
    write_down("start", context)
    while not Path(gate).exists():  # noqa: ASYNC240 - a look at a local directory
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            write_down("asked to stop", context)


def _search_for_ever() -> None:
    """Exponential backtracking: one call into C that holds the GIL for longer than any test lasts."""
    re.match(r"(a+)+$", "a" * 60 + "b")


@crew.job("regex")
def regex(context: Context) -> None:
    write_down("start", context)
    _search_for_ever()


@crew.job("regex_alone", executor="process")
def regex_alone(context: Context) -> None:
    write_down("start", context)
    _search_for_ever()


@crew.job("holds_gil")
def holds_gil(context: Context, seconds: int) -> str:
    """Sleeps in C without letting go of the GIL."""
    write_down("start", context)
    ctypes.PyDLL(None).sleep(seconds)
    write_down("end", context)
    return "awake"


@crew.job("blocks_loop")
async def blocks_loop(context: Context, gate: str) -> str:
    write_down("start", context)
    opened_to_thread(gate)
    return "let go"


@crew.job("limited", timeout=1, backoff=AT_ONCE, max_attempts=2)
async def limited(context: Context) -> None:
    write_down("start", context)
    await asyncio.sleep(600)


@crew.job("unlimited", backoff=AT_ONCE, max_attempts=1)
async def unlimited(context: Context) -> None:
    write_down("start", context)
    await asyncio.sleep(600)


# Memory.


def _litter(context: Context) -> None:
    """Garbage that only the collector finds, and a word in the journal when it does."""
    circle = _Circle()
    circle.itself = circle
    weakref.finalize(circle, write_down, "collected", context)


class _Circle:
    itself: _Circle


@crew.job("litters")
async def litters(context: Context) -> None:
    _litter(context)


@crew.job("litters_alone", executor="process")
def litters_alone(context: Context) -> None:
    _litter(context)


@crew.job("grows")
async def grows(context: Context, mebibytes: int, gate: str) -> int:
    """Keeps what it takes, as a leak does."""
    hoard.append(os.urandom(1 << 20) * mebibytes)
    write_down("start", context)
    await opened(gate)
    return len(hoard)
