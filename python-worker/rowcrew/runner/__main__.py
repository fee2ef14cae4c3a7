"""`python -m rowcrew.runner`: one runner process, started by control over a socket pair.

Loads the crew, tells control what it can run, and serves until control closes the socket or dies. Signals are
control's business: a runner ignores the polite ones and obeys its worker.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading

import msgspec

from rowcrew import settings
from rowcrew.crew import Crew, load
from rowcrew.model.cleaning import describe
from rowcrew.runner import event_loop, handler_log
from rowcrew.runner.invoke import current_job
from rowcrew.runner.loop import RunnerLoop
from rowcrew.runner.parent import die_with
from rowcrew.runner.threads import Threads
from rowcrew.runner.wire import Assign, Channel, Close, Ready, Stop, ToRunner, Unloadable, Withdraw


class Orders(msgspec.Struct, frozen=True):
    """What control tells a runner on its command line, as JSON."""

    parent: int
    socket: int
    crew: list[str]
    slots: int
    log_format: str
    worker_name: str


def main() -> int:
    orders = msgspec.json.decode(sys.argv[1], type=Orders)
    die_with(orders.parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    handler_log.configure(orders.log_format, worker=orders.worker_name, current_job=current_job.get)
    event_loop.run(_serve(orders))
    # Daemon threads and executors of user code must not keep a runner from leaving.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _serve(orders: Orders) -> None:
    closed = asyncio.Event()
    end = socket.socket(fileno=orders.socket)
    end.setblocking(False)
    runner: list[RunnerLoop] = []

    def receive(message: ToRunner) -> None:
        match message:
            case Assign(jobs, begin_by):
                runner[0].assign(jobs, begin_by)
            case Stop(lease_id):
                runner[0].stop(lease_id)
            case Withdraw():
                runner[0].withdraw()
            case Close():
                closed.set()

    channel: Channel[ToRunner] = Channel(ToRunner, receive=receive, lost=closed.set)
    await asyncio.get_running_loop().create_connection(lambda: channel, sock=end)
    crew = _load(orders, channel)
    if crew is not None:
        threads = Threads(max_workers=orders.slots, thread_name_prefix="rowcrew")
        mine = settings.read()
        runner.append(
            RunnerLoop(
                crew=crew,
                slots=orders.slots,
                threads=threads,
                database_url=mine.require_database_url(),
                queue=mine.queue_name,
                send=channel.send,
            )
        )
        channel.send(Ready(crew.manifest()))
    await closed.wait()


def _load(orders: Orders, channel: Channel[ToRunner]) -> Crew | None:
    try:
        return load(orders.crew)
    except BaseException as error:
        channel.send(Unloadable(describe(error)))
        return None


if __name__ == "__main__":
    threading.current_thread().name = "runner"
    main()
