"""The stage of the demonstrations: a backend that speaks SQL, a worker whose log is shown, a verdict.

In: names of statements in `table/sql/demo`, options of `rowcrew worker`. Out: what happens, printed as it
happens. Called by `rowcrew demo` and its parts.
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
from rowcrew.cli.local import start_child, stop_worker
from rowcrew.cli.output import shown
from rowcrew.cli.tables import print_table
from rowcrew.model.errors import RowcrewError
from rowcrew.table.statements import SQL

Record = dict[str, Any]

PATIENCE_SECONDS: Final = 45.0
LOOK_SECONDS: Final = 0.1
_NOTHING: Final[Mapping[str, threading.Event]] = {}


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
        print_rows(rows)
        return rows


@contextmanager
def worker_beside(
    options: Sequence[str] = (), *, heard: Mapping[str, threading.Event] = _NOTHING, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker process that serves the table; its log appears beside what the backend does.

    Args:
        options: of `rowcrew worker`.
        heard: beginnings of lines of its log, and what to set once it has written such a line.
        variables: of its environment.
    """
    with _beside(["worker", *options], variables, ready="👥", heard=heard) as worker:
        yield worker


@contextmanager
def spawner_beside(options: Sequence[str], **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real spawner; of its log, and of its workers', appears what starts workers and ends jobs."""
    lines = ("👀", "🚀 Spawned", "✅ Job", "❌")
    with _beside(["spawner", *options], variables, ready="👀", shown=lines) as spawner:
        yield spawner


@contextmanager
def _beside(
    words: Sequence[str],
    variables: Mapping[str, str],
    *,
    ready: str,
    shown: tuple[str, ...] = ("",),
    heard: Mapping[str, threading.Event] = _NOTHING,
) -> Iterator[subprocess.Popen[bytes]]:
    child = start_child(words, output=subprocess.PIPE, **variables)
    assert child.stdout is not None
    is_ready = threading.Event()
    passing = (child.stdout, words[0], shown, {ready: is_ready, **heard})
    log = threading.Thread(target=_pass_on, args=passing, daemon=True)
    log.start()
    try:
        if not is_ready.wait(PATIENCE_SECONDS) or child.poll() is not None:
            raise RowcrewError(f"the {words[0]} of the demonstration did not start; its log is above")
        yield child
    finally:
        stop_worker(child)
        log.join(5)


def _pass_on(
    lines: IO[bytes], name: str, shown: tuple[str, ...], heard: Mapping[str, threading.Event]
) -> None:
    with lines:
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            if text.startswith(shown):
                say(f"  {name} │ {text}")
            for beginning, event in heard.items():
                if text.startswith(beginning):
                    event.set()
    for event in heard.values():
        event.set()  # it has ended: nobody needs to wait any longer


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


def print_rows(rows: Sequence[Record]) -> None:
    """Print what a statement answered; there is at least one row."""
    print()
    print_table([{column: _cell(value) for column, value in row.items()} for row in rows], list(rows[0]))


def title(text: str) -> None:
    """Begin a part of the demonstration."""
    say(f"\n── {text} {'─' * max(4, 76 - len(text))}")


def statement(name: str) -> str:
    """The statement without the line that says its purpose."""
    return SQL[name].partition("\n")[2].strip()


def _cell(value: Any) -> str:
    return msgspec.json.encode(value).decode() if isinstance(value, dict) else shown(value)
