"""Handlers that change what belongs to their process, and one that leaves it to others to look."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
import sys
import threading
import warnings
from typing import Any

from rowcrew import Context, Crew

crew = Crew()


@crew.job("echo")
async def echo(value: Any) -> Any:
    return value


@crew.job("rude")
async def rude(how: str) -> str:  # noqa: C901 - a list
    match how:
        case "changes directory":
            os.chdir("/")
        case "takes over signals":
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, lambda *_: None)
        case "closes the standard streams":
            for stream in (sys.stdin, sys.stdout, sys.stderr):
                stream.close()
        case "points standard output elsewhere":
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            sys.stdout = sys.stderr = None
        case "turns logging off":
            logging.disable(logging.CRITICAL)
            logging.getLogger().handlers.clear()
            warnings.simplefilter("error")
        case "changes the environment":
            os.environ.clear()
            sys.path.clear()
        case "leaves threads running":
            for _ in range(20):
                threading.Thread(target=threading.Event().wait, daemon=True).start()
        case "leaves tasks running":
            tasks = [asyncio.get_running_loop().create_task(asyncio.sleep(600)) for _ in range(20)]
            setattr(crew, "tasks", tasks)  # noqa: B010 - kept alive
        case "ends other tasks":
            mine = asyncio.current_task()
            others = [task for task in asyncio.all_tasks() if task is not mine]
            for task in others:
                task.cancel()
        case "changes limits":
            soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 64), min(soft, 64)))
            gc.disable()
        case "writes bytes to standard output":
            os.write(1, bytes(range(256)) * 10)
    return how


class Endless(Exception):
    """Cannot even be shown."""

    def __str__(self) -> str:
        return str(self)


@crew.job("shouts")
async def shouts(what: str) -> None:
    match what:
        case "50 MB":
            raise ValueError("x" * 50_000_000)
        case "NUL":
            raise ValueError("before\x00after")
        case "bytes":
            raise ValueError(b"\xff\xfe\x00")
        case "half a pair":
            raise ValueError("before\udcffafter")
        case "escapes":
            raise ValueError("\x1b[2J\x1b]0;owned\x07 red \x1b[31m")
        case "itself":
            raise Endless
        case "group":
            with contextlib.suppress(KeyError):
                raise ExceptionGroup("many", [ValueError(str(n)) for n in range(10_000)])


@crew.job("spawns")
async def spawns(context: Context, children: int) -> None:
    for number in range(children):
        context.enqueue("echo", {"value": number})


@crew.job("returns")
async def returns(letters: int) -> str:
    return "x" * letters
