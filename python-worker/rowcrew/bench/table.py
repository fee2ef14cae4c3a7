"""The `jobs` of a scratch schema as a benchmark sees them: fill, wait for the drain, read the times.

In: the address of a scratch schema. Out: rows with names; all times are by the database's clock unless a name
says otherwise. Called by every benchmark.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeVar

import psycopg
from psycopg.rows import class_row, dict_row

from rowcrew.bench.statements import SQL
from rowcrew.table.opening import opened

Connection = psycopg.Connection[tuple[Any, ...]]
Named = TypeVar("Named", bound=NamedTuple)
_TYPE: Final = "bench_noop"


class Newest(NamedTuple):
    """The job with the highest id."""

    id: int
    has_ended: bool


class Span(NamedTuple):
    """Completed jobs, and the seconds from the first reservation to the last end."""

    completed: int
    seconds: float


class Third(NamedTuple):
    """A third of the completed jobs in the order of their ends, and the seconds between its ends."""

    completed: int
    seconds: float


class Handled(NamedTuple):
    """A completed job: its payload's `number`, when it was reserved, when its handler began on its host."""

    id: int
    number: int
    reserved: float
    began: float


class BenchTable:
    """One connection in autocommit to a scratch schema, with a method for each statement."""

    def __init__(self, url: str) -> None:
        self.connection: Connection = connected(url)

    def __enter__(self) -> BenchTable:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def clear(self) -> None:
        self.connection.execute(SQL["clear"])

    @contextmanager
    def filled(self, jobs: int, type: str = _TYPE) -> Iterator[None]:
        """Ready jobs that appear, with statistics about them, at the end of the block."""
        with self.connection.transaction():
            self.fill(jobs, type)
            self.analyze()
            yield

    def fill(self, jobs: int, type: str = _TYPE) -> int:
        """Ready jobs at once; the newest id."""
        return int(self._value("fill", type=type, jobs=jobs))

    def analyze(self) -> None:
        self.connection.execute(SQL["analyze"])

    def send(self, type: str) -> int:
        """One ready job, the way a producer makes it; its id."""
        return int(self._value("send", type=type))

    def has_worker(self, pid: int) -> bool:
        return bool(self._value("has_worker", pid=pid))

    def has_ended(self, id: int) -> bool:
        return bool(self._value("has_ended", id=id))

    def newest(self) -> Newest:
        """Without any job its id is 0."""
        return next(iter(self._rows(Newest, "newest")), Newest(0, has_ended=False))

    def is_drained(self, jobs: int, after: int = 0) -> bool:
        """Whether the newest job has ended and so many after the given one have completed."""
        id, has_ended = self.newest()
        return has_ended and id > after and self.span(after).completed >= jobs

    def span(self, after: int = 0) -> Span:
        """Of the jobs after one."""
        [span] = self._rows(Span, "span", after=after)
        return span

    def thirds(self, after: int = 0) -> list[Third]:
        """Of the jobs after one, in order."""
        return self._rows(Third, "thirds", after=after)

    def handled(self, after: int = 0) -> list[Handled]:
        """Jobs after one, whose handlers answered with the time they began."""
        return self._rows(Handled, "handled", after=after)

    def settings(self) -> dict[str, str]:
        """What figures depend on most, by the names of PostgreSQL's settings."""
        [settings] = self.connection.cursor(row_factory=dict_row).execute(SQL["settings"])
        return settings

    def server_pid(self) -> int:
        """The process of this connection's backend, meaningful where the server runs on this host."""
        return self.connection.info.backend_pid

    def _value(self, statement: str, **parameters: Any) -> Any:
        row = self.connection.execute(SQL[statement], parameters).fetchone()
        return None if row is None else row[0]

    def _rows(self, row: type[Named], statement: str, **parameters: Any) -> list[Named]:
        return (
            self.connection.cursor(row_factory=class_row(row)).execute(SQL[statement], parameters).fetchall()
        )


def connected(url: str) -> Connection:
    """A connection in autocommit."""
    return opened(url, name="bench", autocommit=True)
