"""`rowcrew bench`: anyone can check our figures on a machine and a server of their own."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import print_document
from rowcrew.cli.tables import print_table
from rowcrew.model.errors import RowcrewError

if TYPE_CHECKING:
    from rowcrew.bench.report import Report

bench = App(name="bench", help="Measure this machine and this PostgreSQL in a scratch schema.")


@bench.command
def drain(
    *,
    jobs: Annotated[int, Parameter(validator=Number(gte=1, lte=10_000_000))] = 50_000,
    rounds: Annotated[int, Parameter(validator=Number(gte=1, lte=100))] = 3,
    batch_size: Annotated[int | None, Parameter(validator=Number(gte=1, lte=500))] = None,
    embedded: bool = False,
    json: AsJson = False,
) -> None:
    """Measure how fast one worker drains jobs that do nothing, beside the same statements with no worker.

    Works in a scratch schema of the database, which is dropped at the end, also after Ctrl-C. The jobs beside
    it are neither read nor written, but share the server: do not measure where people wait for it.

    Parameters
    ----------
    jobs
        Jobs in each round.
    rounds
        Rounds; in each, worker and bare statements take turns.
    batch_size
        Most rows reserved by one statement. Without it the worker chooses, and the bare statements take 500.
    embedded
        Measure a private PostgreSQL instead of the one that DATABASE_URL names.
    """
    from rowcrew.bench.drain import measure

    with _scratch(embedded) as url:
        report = measure(url, jobs=jobs, rounds=rounds, batch=batch_size, tell=tell)
    _print(report, json)


@bench.command
def latency(
    *,
    jobs: Annotated[int, Parameter(validator=Number(gte=1, lte=100_000))] = 200,
    pause: Annotated[float, Parameter(validator=Number(gte=0.001, lte=3600))] = 0.1,
    embedded: bool = False,
    json: AsJson = False,
) -> None:
    """Measure the time from a committed INSERT to its handler in an idle worker, woken and polling alone.

    Works in a scratch schema of the database, which is dropped at the end, also after Ctrl-C. The times are
    of the clock of this host, wherever the database is.

    Parameters
    ----------
    jobs
        Rows sent to the idle worker, with wake-ups and without.
    pause
        Seconds between two rows.
    embedded
        Measure a private PostgreSQL instead of the one that DATABASE_URL names.
    """
    from rowcrew.bench.latency import measure

    with _scratch(embedded) as url:
        report = measure(url, jobs=jobs, pause_seconds=pause, tell=tell)
    _print(report, json)


@bench.command
def pinned(
    *,
    jobs: Annotated[int, Parameter(validator=Number(gte=3, lte=10_000_000))] = 300_000,
    rounds: Annotated[int, Parameter(validator=Number(gte=1, lte=100))] = 3,
    embedded: bool = False,
    json: AsJson = False,
) -> None:
    """Measure whether throughput holds while an old snapshot keeps dead rows from being cleaned up.

    Works in a scratch schema of the database, which is dropped at the end, also after Ctrl-C. The snapshot
    holds back the vacuum of the whole database while the jobs flow, which takes a minute or less.

    Parameters
    ----------
    jobs
        Jobs that flow through the worker, with the snapshot and without.
    rounds
        Rounds; in each, with and without take turns.
    embedded
        Measure a private PostgreSQL instead of the one that DATABASE_URL names.
    """
    from rowcrew.bench.pinned import measure

    with _scratch(embedded) as url:
        report = measure(url, jobs=jobs, rounds=rounds, tell=tell)
    _print(report, json)


def _print(report: Report, as_json: bool) -> None:
    if as_json:
        print_document(report)
    else:
        print_report(report)


def print_report(report: Report) -> None:
    """The report as tables for people."""
    for table in report.tables:
        print(f"{table.title}\n")
        print_table(table.rows, list(table.rows[0]))
        print()
    for note in report.notes:
        print(f"- {note}")
    print(f"- {', '.join(f'{name} {fact}' for name, fact in report.machine.items())}")


def tell(line: str) -> None:
    """Progress goes where it does not mix with figures."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _scratch(embedded: bool) -> Iterator[str]:
    from rowcrew.bench.scratch import scratch_schema

    with ends_tidily(), _database(embedded) as url, scratch_schema(url) as scratch:
        yield scratch


@contextmanager
def _database(embedded: bool) -> Iterator[str]:
    if not embedded:
        settings = read_settings()
        yield settings.database_direct_url or settings.require_database_url()
        return
    from rowcrew.embedded import EmbeddedPostgres, EmbeddedPostgresError

    try:
        server = EmbeddedPostgres(settings={"shared_buffers": "1GB"}).start()
    except EmbeddedPostgresError as error:
        raise RowcrewError(str(error)) from error
    with server:
        yield server.url


@contextmanager
def ends_tidily() -> Iterator[None]:
    """SIGTERM and a closed terminal are a Ctrl-C: the scratch schema and the worker go in any case."""
    signals = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
