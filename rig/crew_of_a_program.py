"""A crew that is a whole program: it does at import and in handlers what users' programs do to their process.

Loaded by runner processes as `crew_of_a_program:crew`. JOURNAL names the file that ends of the program go to.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rowcrew import Backoff, Context, Crew

AT_ONCE = Backoff(base_seconds=0.01, factor=1.0, cap_seconds=0.01)

crew = Crew()
tenant: contextvars.ContextVar[str | None] = contextvars.ContextVar("tenant", default=None)
at_import = asyncio.run(asyncio.sleep(0, "ran"))
unclosed = Path(os.environ["JOURNAL"] + f".unclosed-{os.getpid()}").open("w")  # noqa: SIM115 - as careless programs do
original_process = os.getpid()


@atexit.register
def say_goodbye() -> None:
    if os.getpid() == original_process:
        with Path(os.environ["JOURNAL"] + ".goodbyes").open("a") as goodbyes:
            goodbyes.write(f"{original_process}\n")


@crew.job("noop")
async def noop() -> None:
    pass


@crew.job("what_ran_at_import")
async def what_ran_at_import() -> list[Any]:
    return [at_import, sys.argv[1:]]


@crew.job("sets_tenant")
async def sets_tenant(name: str) -> str | None:
    seen = tenant.get()
    tenant.set(name)
    return seen


@crew.job("sets_tenant_in_thread")
def sets_tenant_in_thread(name: str) -> str | None:
    seen = tenant.get()
    tenant.set(name)
    return seen


@crew.job("changes_process")
async def changes_process() -> list[Any]:
    """What it finds, before it leaves everything in disorder."""
    found = [
        Path.cwd() == Path("/"),
        os.umask(0o777) == 0o777,
        os.environ.get("LEFT"),
        time.tzname[0],
        signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN,
    ]
    os.chdir("/")
    os.environ.update(LEFT="behind", TZ="Asia/Kathmandu")
    time.tzset()
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    await asyncio.sleep(0.002)
    return found


@crew.job("prints")
async def prints(text: str) -> None:
    print(text)  # noqa: T201 - what is tried here


@crew.job("logs")
async def logs(text: str) -> None:
    logging.getLogger(__name__).info(text)


def _print_each_way(text: str, lines: int) -> None:
    for stream in (sys.stdout, sys.stderr, sys.__stdout__):
        for _ in range(lines):
            print(text, file=stream)
    for _ in range(lines):
        logging.getLogger("a.library").warning(text)
        warnings.warn_explicit(text, UserWarning, text, 1, registry={})


@crew.job("prints_each_way", max_attempts=1)
async def prints_each_way(text: str, lines: int = 1) -> None:
    _print_each_way(text, lines)


@crew.job("prints_each_way_in_thread", max_attempts=1)
def prints_each_way_in_thread(text: str, lines: int = 1) -> None:
    _print_each_way(text, lines)


# Processes that handlers start.


@crew.job("terminates_program", timeout=20, max_attempts=1)
def terminates_program() -> int:
    program = subprocess.Popen(["sleep", "60"])
    program.terminate()
    return program.wait(10)


@crew.job("terminates_fork", timeout=20, max_attempts=1)
def terminates_fork() -> int | None:
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    child.start()
    child.terminate()
    child.join(10)
    return child.exitcode


@crew.job("uses_pool", timeout=20, max_attempts=1)
def uses_pool() -> list[int]:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(abs, [-1, -2])


@crew.job("shows_environment", timeout=20, max_attempts=1)
def shows_environment(names: list[str]) -> list[str]:
    """How many sockets a program inherits, and these variables."""
    show = "ls -l /proc/self/fd | grep socket: | wc -l; " + "".join(f'echo "${name}";' for name in names)
    return subprocess.run(
        ["sh", "-c", show], capture_output=True, text=True, check=True, close_fds=False
    ).stdout.splitlines()


@crew.job("forks", max_attempts=1)
async def forks() -> str:
    """Copies its process, and both copies go on."""
    child = os.fork()
    try:
        await asyncio.sleep(0.01)
    finally:
        if child:
            os.waitpid(child, 0)  # noqa: ASYNC222 - its copy is about to end
    return "copied"


@crew.job("forks_in_thread", max_attempts=1)
def forks_in_thread() -> int:
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    raise SystemExit(7)


# What ends a runner from inside.


@crew.job("rests", max_attempts=1)
async def rests(gate: str) -> str:
    while not Path(gate).exists():  # noqa: ASYNC110, ASYNC240 - a test makes the file
        await asyncio.sleep(0.01)
    return "rested"


@crew.job("breaks_runner", max_attempts=2, backoff=AT_ONCE)
async def breaks_runner(context: Context, how: str) -> str:
    if context.job.attempt > 1:
        return "gave up"
    loop = asyncio.get_running_loop()
    tasks: set[Any] = set()
    ways: dict[str, Callable[[], None]] = {
        "sys.exit": lambda: tasks.add(asyncio.create_task(_exits())),
        "keyboard_interrupt": lambda: tasks.add(asyncio.create_task(_interrupts())),
        "loop.stop": loop.stop,
        "cancel_all": _cancel_all,
    }
    ways[how]()
    await asyncio.sleep(5)
    return "survived"


async def _exits() -> None:
    sys.exit(1)


async def _interrupts() -> None:
    raise KeyboardInterrupt


def _cancel_all() -> None:
    for task in asyncio.all_tasks():
        task.cancel()


@crew.job("sets_task_factory", max_attempts=1)
async def sets_task_factory() -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no task")

    asyncio.get_running_loop().set_task_factory(broken)
    threading.excepthook = None  # type: ignore[assignment]


@crew.job("stops_clock", max_attempts=1)
async def stops_clock() -> None:
    time.monotonic = lambda: 1e12


@crew.job("writes_garbage", max_attempts=2, backoff=AT_ONCE)
async def writes_garbage(context: Context, text: list[int]) -> str:
    if context.job.attempt > 1:
        return "gave up"
    for descriptor in range(3, 64):
        with suppress(OSError):
            os.write(descriptor, bytes(text))
    await asyncio.sleep(5)
    return "survived"


@crew.job("keeps_thread")
async def keeps_thread() -> None:
    threading.Thread(target=time.sleep, args=(60,)).start()


@crew.job("leaves_hook")
async def leaves_hook() -> None:
    atexit.register(time.sleep, 60)


@crew.job("interrupts_program", timeout=20, max_attempts=1)
def interrupts_program() -> int:
    program = subprocess.Popen(["sleep", "60"])
    program.send_signal(signal.SIGINT)
    return program.wait(10)
