"""What tests of the engine drive it with: a worker process, the journal its handlers write, and the table.

A test starts a `WorkerProcess` on its database, signals it, and waits for what becomes visible: log lines
(`said`), what handlers wrote down (`Journal`), rows (`Table`). Nothing here waits for a time.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

import rowcrew
from tests.waiting import eventually

ENDED = ("completed", "failed", "cancelled")
CREW = "crew_under_test:crew"
PACKAGES = (str(Path(rowcrew.__file__).parent.parent), str(Path(__file__).parent))
Row = dict[str, Any]


class WorkerProcess:
    """One real worker process, `python -m rowcrew.cli worker`; its settings are environment variables."""

    def __init__(
        self,
        database_url: str,
        *,
        log: Path,
        journal: Path,
        crew: str = CREW,
        program: Sequence[str] = (),
        **settings: object,
    ) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= {
            "DATABASE_URL": database_url,
            "LOG_FORMAT": "json",
            "JOURNAL": str(journal),
            "RUNNER_ENVIRONMENT": "JOURNAL",
            "PYTHONPATH": os.pathsep.join(PACKAGES),
            **{name: str(value) for name, value in settings.items()},
        }
        command = list(program) or [sys.executable, "-m", "rowcrew.cli", "worker", crew]
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.pid = self._process.pid

    def lines(self) -> list[Row]:
        """Everything it has said; what is no JSON comes as the message of an event `other`."""
        return [_parsed(line) for line in self.log.read_text(errors="replace").splitlines(keepends=True)]

    def heard(self, event: str, **facts: Any) -> list[Row]:
        """The lines so far of one event with these facts."""
        return [
            line
            for line in self.lines()
            if line["event"] == event and all(line.get(name) == value for name, value in facts.items())
        ]

    def said(self, event: str, *, times: int = 1, seconds: float = 30, **facts: Any) -> Row:
        """Wait until it has said this so many times; the last of these lines."""

        def enough() -> list[Row]:
            heard = self.heard(event, **facts)
            assert len(heard) >= times or self.exit_code is None, self.story(f"ended without saying {event}")
            return heard if len(heard) >= times else []

        return eventually(enough, seconds)[times - 1]

    def ready(self) -> WorkerProcess:
        self.said("worker.ready")
        return self

    def story(self, ending: str) -> str:
        return f"{self.log.read_text(errors='replace')[-6_000:]}\n-- {ending}, exit code {self.exit_code}"

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def exited(self, seconds: float = 40) -> int:
        """Wait for its end; the exit code."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.story("did not exit")) from None

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.exited()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def family(self) -> list[psutil.Process]:
        """Its children and theirs, alive now."""
        with suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self.pid).children(recursive=True))
        return []

    def runners(self, kind: str = "shared") -> list[int]:
        """Process ids of runners that have loaded the crew and live."""
        alive = {child.pid for child in self.family() if child.status() != psutil.STATUS_ZOMBIE}
        return [line["pid"] for line in self.heard("runner.started", kind=kind) if line["pid"] in alive]

    def clean_up(self) -> None:
        """Leave nothing behind, whatever the test did."""
        family = self.family()
        self.kill()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _parsed(line: str) -> Row:
    try:
        parsed = json.loads(line)
    except ValueError:
        parsed = None
    return parsed if isinstance(parsed, dict) and "event" in parsed else {"event": "other", "message": line}


class Journal:
    """What handlers wrote down, in the order they did."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def entries(self, what: str | None = None, **facts: Any) -> list[Row]:
        # A line without its end is still being written.
        lines = self.path.read_text().rpartition("\n")[0].splitlines()
        entries = [json.loads(line) for line in lines]
        facts |= {} if what is None else {"what": what}
        return [entry for entry in entries if all(entry.get(name) == value for name, value in facts.items())]

    def has(self, what: str, *, times: int = 1, seconds: float = 30, **facts: Any) -> Row:
        """Wait until this stands there so many times; the last of these entries."""

        def enough() -> list[Row]:
            found = self.entries(what, **facts)
            return found if len(found) >= times else []

        return eventually(enough, seconds)[times - 1]


class Table:
    """The database of a test, as any backend sees it; connects anew when the server was restarted."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._connection: psycopg.Connection[Row] | None = None

    def rows(self, query: LiteralString, *parameters: Any) -> list[Row]:
        """Rows of a query. On a new connection when the old one is lost, so for what may be said twice."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.address, autocommit=True, row_factory=dict_row)
        cursor = self._connection.execute(query, parameters)
        return cursor.fetchall() if cursor.description else []

    def row(self, id: int) -> Row:
        (row,) = self.rows("SELECT * FROM jobs WHERE id = %s", id)
        return row

    def enqueue(self, type: str, payload: Mapping[str, Any] | None = None, **columns: Any) -> int:
        """Insert a job as a backend would, with plain SQL."""
        columns = {"type": type, "payload": Jsonb(payload or {}), **columns}
        names = ", ".join(f'"{name}"' for name in columns)
        places = ", ".join(["%s"] * len(columns))
        query: Any = f"INSERT INTO jobs ({names}) VALUES ({places}) RETURNING id"
        return int(self.rows(query, *columns.values())[0]["id"])

    def set_status(self, id: int, status: str) -> None:
        self.rows("UPDATE jobs SET status = %s WHERE id = %s", status, id)

    def attempts(self, id: int) -> list[Row]:
        return self.rows('SELECT * FROM job_attempts WHERE "jobId" = %s ORDER BY "finishedAt"', id)

    def outcomes(self, id: int) -> list[str]:
        return [attempt["outcome"] for attempt in self.attempts(id)]

    def until(self, id: int, *statuses: str, seconds: float = 30) -> Row:
        """Wait until the job has one of these statuses (by default: has ended); its row."""
        wanted = statuses or ENDED

        def reached() -> Row | None:
            row = self.row(id)
            assert row["status"] in wanted or row["status"] not in ENDED, f"ended otherwise: {row}"
            return row if row["status"] in wanted else None

        return some(reached, seconds)

    def count(self, status: str) -> int:
        return int(self.rows("SELECT count(*) AS n FROM jobs WHERE status = %s", status)[0]["n"])

    def drained(self, seconds: float = 60) -> None:
        """Wait until every job has ended."""
        live = "SELECT count(*) AS live FROM jobs WHERE status IN ('queued', 'processing')"
        eventually(lambda: self.rows(live)[0]["live"] == 0, seconds)

    def connections_of_workers(self) -> list[Row]:
        return self.rows(
            "SELECT pid, application_name AS name FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'rowcrew%%'"
        )

    @contextmanager
    def another(self) -> Iterator[psycopg.Connection[Row]]:
        """A connection of its own, in transactions."""
        with psycopg.connect(self.address, row_factory=dict_row) as connection:
            yield connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def some(probe: Callable[[], Row | None], seconds: float = 30) -> Row:
    """Wait for a row, also while the server is away."""

    def answer() -> Row | None:
        with suppress(psycopg.OperationalError):
            return probe()
        return None

    found = eventually(answer, seconds)
    assert found is not None
    return found


class Gate:
    """Handlers wait at it until a test opens it."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def open(self) -> None:
        Path(self.path).touch()


def is_gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
