"""Handlers that say much, little and odd things: `tests.results.talkers:crew`."""

# ruff: noqa: T201 - to print is what these handlers are for

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

from rowcrew import Backoff, Context, Crew

crew = Crew()


@crew.job("talk")
async def talk(context: Context, name: str) -> None:
    print(f"printed by {name}")
    print("to standard error", file=sys.stderr)
    logging.getLogger("mine").warning("logged by %s", name)
    context.log.info("structured", answer=42)
    print("without an end", end="")


@crew.job("talk_in_threads")
def talk_in_threads(name: str) -> None:
    print(f"{name} in a thread")
    time.sleep(0.01)
    print(f"{name} again")


@crew.job("broken", backoff=Backoff(base_seconds=0.01, factor=1.0, cap_seconds=0.01))
async def broken(context: Context) -> None:
    print(f"attempt {context.job.attempt}")
    if context.job.attempt < 3:
        raise ValueError("not yet")


@crew.job("flood")
def flood(lines: int, width: int = 10) -> None:
    for number in range(lines):
        print(f"{number:08} {'x' * width}")


@crew.job("flood_for_ever")
def flood_for_ever(context: Context) -> None:
    while True:
        for _ in range(1_000):
            print("round and round it goes")
        context.progress(1, 2)


@crew.job("odd")
async def odd() -> None:
    print("a\x00b \ud800 \x1b[31mred\x1b[0m über")
    print("password=hunter2 and postgresql://me:hidden@host/db")
    print("y" * 100_000)
    sys.stdout.writelines(["one\n", "two\n"])
    warnings.warn("mind the gap", stacklevel=1)


@crew.job("say_and_hold")
async def say_and_hold(gate: str) -> None:
    print("said before")
    while not Path(gate).exists():  # noqa: ASYNC110, ASYNC240 - another process makes the file
        await asyncio.sleep(0.01)
    print("said after")


@crew.job("say_and_die", max_attempts=1)
def say_and_die(gate: str) -> None:
    print("last words")
    while not Path(gate).exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)


@crew.job("fork")
def fork() -> None:
    print("the original")
    child = os.fork()
    if not child:
        print("the copy")
        os._exit(0)
    os.waitpid(child, 0)
    print("the original again")


@crew.job("outlive")
async def outlive(gate: str) -> None:
    async def later() -> None:
        while not Path(gate).exists():  # noqa: ASYNC110, ASYNC240 - another process makes the file
            await asyncio.sleep(0.01)
        print("after the run")

    tasks.append(asyncio.create_task(later()))
    print("in the run")


@crew.job("in_own_thread")
def in_own_thread() -> None:
    thread = threading.Thread(target=print, args=("nobody knows whose this is",))
    thread.start()
    thread.join()


tasks: list[Any] = []
