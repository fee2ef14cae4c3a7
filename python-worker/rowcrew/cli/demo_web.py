"""`rowcrew demo web`: the dashboard over a lively database of its own, until Ctrl+C.

A temporary PostgreSQL, two real workers, a producer that keeps inserting rows, and the server. Nothing of
it is left behind.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import psycopg

from rowcrew.cli.local import private_postgres, start_worker, stop_worker
from rowcrew.cli.migrate import bring_up_to_date
from rowcrew.cli.stage import statement
from rowcrew.model.errors import RowcrewError
from rowcrew.settings import Settings

_WORKERS: Final = (
    ("harbour-1", ("crawl", "reports", "mail", "billing"), 8),
    ("harbour-2", ("media", "imports", "reports"), 6),
)
_CREW: Final = "rowcrew.cli.demo_web_crew:crew"
_PAST: Final = ("web_past", "web_begin")
_BEGIN: Final = ("web_queues", "web_schedules", "web_workflow")
_SECONDS_BETWEEN_WORKFLOWS: Final = 60


def show_dashboard(port: int) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    try:
        from rowcrew.web.app import application
        from rowcrew.web.serving import listen, serve
    except ModuleNotFoundError as error:
        raise RowcrewError(f"{error.name} is not installed: pip install 'rowcrew[embedded,web]'") from error
    try:
        listener = listen("127.0.0.1", port)
    except OSError as error:
        raise RowcrewError(f"--port {port}: {error.strerror}; choose another") from error
    with listener, private_postgres() as server, _business(server.url):
        print("A database of its own, two workers and a producer; Ctrl+C ends and removes them.")
        print(f"Serving http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        web = application(server.url, is_open=False)
        serve(web.app, listener, prefix="", on_stop=web.stop)
    return 0


@contextmanager
def _business(address: str) -> Iterator[None]:
    """Tables with a past, workers, and somebody who keeps inserting rows."""
    bring_up_to_date(Settings(database_url=address))
    with psycopg.connect(address, autocommit=True) as connection, ExitStack() as stack:
        # Rows of a past: the triggers of the tables would say that all of them came just now.
        connection.execute("SET session_replication_role = replica")
        for name in _PAST:
            connection.execute(statement(f"demo/{name}"))
        connection.execute("RESET session_replication_role")
        for name in _BEGIN:
            connection.execute(statement(f"demo/{name}"))
        for name, queues, slots in _WORKERS:
            options = [_CREW, "--name", name, "--concurrency", str(slots)]
            options += [word for queue in queues for word in ("--queue", queue)]
            worker = start_worker(options, output=_nowhere(stack), DATABASE_URL=address)
            stack.callback(stop_worker, worker)
        stop = threading.Event()
        producer = threading.Thread(target=_produce, args=(connection, stop), daemon=True)
        producer.start()
        try:
            yield
        finally:
            stop.set()
            producer.join()


def _nowhere(stack: ExitStack) -> int:
    descriptor = os.open(os.devnull, os.O_WRONLY)
    stack.callback(os.close, descriptor)
    return descriptor


def _produce(connection: psycopg.Connection[tuple[object, ...]], stop: threading.Event) -> None:
    seconds = 0
    while not stop.wait(1):
        seconds += 1
        connection.execute(statement("demo/web_more"))
        if seconds % _SECONDS_BETWEEN_WORKFLOWS == 0:
            connection.execute(statement("demo/web_workflow"))
