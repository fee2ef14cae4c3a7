"""Producers as processes of their own: each commits INSERTs, at a rate or as fast as it goes.

`python -m benchmarks.producer URL --rows N …` connects, says that it is ready, waits for a line on standard
input, commits its rows and tells when each statement began and when its commit was acknowledged. `producing`
starts several and lets them go at once. The payload's `number` counts a producer's rows, starting at --first.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, NamedTuple

import psycopg

from rowcrew.model.errors import RowcrewError
from rowcrew.table.address import for_psycopg

ONE: Final = (
    "INSERT INTO jobs (type, payload) VALUES (%(type)s, jsonb_build_object('number', %(first)s::integer))"
)
MANY: Final = """
INSERT INTO jobs (type, payload)
SELECT %(type)s, jsonb_build_object('number', number)
  FROM generate_series(%(first)s::integer, %(first)s::integer + %(rows)s::integer - 1) AS number
"""


class Sent(NamedTuple):
    """A statement's first number, its rows, and when it began and was acknowledged, by time.time()."""

    first: int
    rows: int
    began: float
    committed: float


@contextmanager
def producing(
    url: str, *, clients: int, rows: int, type: str, rows_each: int = 1, rate: float | None = None
) -> Iterator[Callable[[], list[Sent]]]:
    """Producers that are ready; the function given lets them go, and returns what they have committed.

    Args:
        rows: of all clients together.
        rows_each: of each statement.
        rate: rows a second of all clients together; None: as fast as they go.
    """
    with ExitStack() as stack:
        processes = []
        for client in range(clients):
            first, end = rows * client // clients, rows * (client + 1) // clients
            command = [
                *(sys.executable, "-m", "benchmarks.producer", url, "--type", type, "--first", str(first)),
                *("--rows", str(end - first), "--rows-each", str(rows_each)),
            ]
            if rate is not None:
                pause = rows_each * clients / rate
                command += ["--pause", str(pause), "--offset", str(pause * client / clients)]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.callback(_end, process)
            processes.append(process)
        for process in processes:
            _line(process)
        yield lambda: _go(processes)


def _go(processes: list[subprocess.Popen[str]]) -> list[Sent]:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [Sent(*each) for process in processes for each in json.loads(_line(process))]


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    if not (line := process.stdout.readline()):
        raise RowcrewError("a producer ended early; what it said is above")
    return line


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.producer", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--type", required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--first", type=int, default=0, help="number of the first row")
    parser.add_argument("--rows-each", type=int, default=1, help="rows of a statement")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds from one statement to the next")
    parser.add_argument("--offset", type=float, default=0.0, help="seconds before the first statement")
    options = parser.parse_args(arguments)
    with psycopg.connect(for_psycopg(options.url), autocommit=True, prepare_threshold=0) as connection:
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(_produce(connection, options)), flush=True)


def _produce(connection: psycopg.Connection[tuple[object, ...]], options: argparse.Namespace) -> list[Sent]:
    sent = []
    due = time.time() + options.offset
    end = options.first + options.rows
    statement = ONE if options.rows_each == 1 else MANY
    for first in range(options.first, end, options.rows_each):
        time.sleep(max(0.0, due - time.time()))
        due += options.pause
        rows = min(options.rows_each, end - first)
        began = time.time()
        connection.execute(statement, {"type": options.type, "first": first, "rows": rows})
        sent.append(Sent(first, rows, began, time.time()))
    return sent


if __name__ == "__main__":
    main(sys.argv[1:])
