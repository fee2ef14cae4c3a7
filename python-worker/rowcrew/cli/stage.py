"""The stage of the demonstrations: a backend that speaks SQL, a worker whose log is shown, a verdict.

In: names of statements in `table/sql/demo`, options of `rowcrew worker`. Out: what happens, printed as it
happens. Called by `rowcrew demo` and `rowcrew demo shutdown`.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, Final

import msgspec
import psycopg

from rowcrew.cli import FAILURE, SUCCESS
from rowcrew.cli.local import start_worker, stop_worker
from rowcrew.cli.output import shown
from rowcrew.cli.tables import print_table
from rowcrew.model.errors import RowcrewError
from rowcrew.table.statements import SQL

Record = dict[str, Any]

PATIENCE_SECONDS: Final = 45.0
LOOK_SECONDS: Final = 0.1


class Backend:
    """A program that knows PostgreSQL and nothing of Rowcrew; it prints what it sends and what comes back."""

    def __init__(self, connection: psycopg.Connection[Record]) -> None:
        self._connection = connection

    def send(self, name: str, **values: Any) -> list[Record]:
        """Execute a statement of the demonstration."""
        cursor = self._connection.execute(statement(name), values or None)
        return cursor.fetchall() if cursor.description else []

    def tell(self, name: str, **values: Any) -> list[Record]:
        """The same, with the statement printed."""
        text = statement(name)
        for placeholder, value in values.items():
            text = text.replace(f"%({placeholder})s", str(value))
        say("\n" + "\n".join(f"    {line}" for line in text.splitlines()))
        return self.send(name, **values)

    def show(self, name: str, **values: Any) -> list[Record]:
        """The same, with the answer printed as a table."""
        rows = self.tell(name, **values)
        print()
        print_table([{column: _cell(value) for column, value in row.items()} for row in rows], list(rows[0]))
        return rows


@contextmanager
def worker_beside(options: Sequence[str] = (), **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker process that serves the table; its log appears beside what the backend does."""
    worker = start_worker(options, output=subprocess.PIPE, **variables)
    assert worker.stdout is not None
    is_ready = threading.Event()
    log = threading.Thread(target=_pass_on, args=(worker.stdout, is_ready), daemon=True)
    log.start()
    try:
        if not is_ready.wait(PATIENCE_SECONDS) or worker.poll() is not None:
            raise RowcrewError("the worker of the demonstration did not start; its log is above")
        yield worker
    finally:
        stop_worker(worker)
        log.join(5)


def _pass_on(lines: IO[bytes], is_ready: threading.Event) -> None:
    with lines:
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            say(f"  worker │ {text}")
            if text.startswith("👥"):
                is_ready.set()
    is_ready.set()  # the worker has ended: nobody needs to wait any longer


def verdict(promises: Mapping[str, bool], started: float) -> int:
    """Print what was promised and whether it was kept; the exit code."""
    title("Was all as promised?")
    for promise, kept in promises.items():
        print(f"  {'✔' if kept else '✘'} {promise}")
    kept = all(promises.values())
    print(f"\n{'Done' if kept else 'Something went wrong'}, after {time.monotonic() - started:.0f} seconds.")
    return SUCCESS if kept else FAILURE


def say(text: str) -> None:
    """Print in one piece: a line of the worker, from its thread, would get between a text and its end."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def title(text: str) -> None:
    """Begin a part of the demonstration."""
    say(f"\n── {text} {'─' * max(4, 76 - len(text))}")


def statement(name: str) -> str:
    """The statement without the line that says its purpose."""
    return SQL[name].partition("\n")[2].strip()


def _cell(value: Any) -> str:
    return msgspec.json.encode(value).decode() if isinstance(value, dict) else shown(value)
