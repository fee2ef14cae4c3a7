"""Rows a second of csv_import beside psql copying the same file into the same table; bad rows; memory.

The ways take turns, and a share is formed round by round: a machine that slows down meanwhile slows all.
In every round psql has ISO dates, as it reads no others by itself. Bad rows are spread over the file.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell
from rowcrew.embedded import find_binaries
from rowcrew.settings import environment_with
from rowcrew.table.address import for_psycopg

TABLE: Final = """
CREATE TABLE transactions (
    "orgId" text, "sourceId" text, date date, amount numeric(12, 2), description text,
    UNIQUE ("orgId", "sourceId")
)
"""
CHECKED: Final = TABLE.replace("numeric(12, 2)", "numeric(12, 2) CHECK (amount <> 666)")
PARTNERED: Final = f"""
CREATE TABLE prices (amount numeric(12, 2) PRIMARY KEY);
INSERT INTO prices SELECT number + 0.50 FROM generate_series(-2501, 2499) AS number;
{TABLE.replace("numeric(12, 2)", "numeric(12, 2) REFERENCES prices")}
"""
COPY: Final = (
    "\\copy transactions (\"sourceId\", date, amount, description) from '{file}' (format csv, header)"
)
DAY_FIRST: Final = "%d/%m/%Y"
MAPPING: Final = {"sourceId": "Id", "date": "Date", "amount": "Amount", "description": "Memo"}
# What a payload asks for beyond the mapping; the first is what \copy does as well.
IMPORTS: Final[dict[str, dict[str, Any]]] = {
    "csv_import": {},
    "csv_import, orgId": {"orgId": "acme"},
    "csv_import, orgId, dateFormats, thousands": {
        "orgId": "acme",
        "dateFormats": ["%Y-%m-%d", "%d/%m/%Y"],
        "thousands": ",",
    },
    "csv_import, orgId, day/month/year": {"orgId": "acme", "dateFormats": [DAY_FIRST]},
}
# By table, date and amount of a row that it refuses; only the first is told without the server.
BAD: Final[dict[str, dict[str, tuple[str, str] | None]]] = {
    CHECKED: {
        "none": None,
        "n/a for a number": ("2026-01-01", "n/a"),
        "30 February": ("2026-02-30", "1.50"),
        "a number too large": ("2026-01-01", "99999999999"),
        "against a CHECK": ("2026-01-01", "666"),
    },
    PARTNERED: {"none, with a foreign key": None, "without a partner": ("2026-01-01", "1.25")},
}
# One import in a process of its own, as in a runner; prints its seconds and its largest resident memory.
IMPORT: Final = """
import json, resource, sys, time
from rowcrew.bundled.csv_import import handler as csv_import
from rowcrew.testing import run_handler
began = time.perf_counter()
result = run_handler(csv_import.crew, "csv_import", json.loads(sys.argv[2]), database_url=sys.argv[1]).result
seconds = time.perf_counter() - began
print(json.dumps([result["inserted"], seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--bad-rows", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)


def measure(url: str, options: argparse.Namespace) -> Report:
    with tempfile.TemporaryDirectory() as directory, BenchTable(url) as table:
        machine = machine_facts(table.settings())
        whole, tenth = Path(directory, "whole.csv"), Path(directory, "tenth.csv")
        _write(whole, options.rows)
        _write(_day_first(whole), options.rows, DAY_FIRST)
        _write(tenth, options.rows // 10)
        bench = _Bench(url, table.connection)
        speed = _speed(bench, whole, options.rows, options.repeats)
        bad = _bad(bench, Path(directory), options.rows, options.bad_rows, options.repeats)
        memory = [_memory(bench, tenth, options.rows // 10), _memory(bench, whole, options.rows)]
    title = f"{options.rows:,} rows, {options.repeats} rounds in turns, median"
    tables = (
        Table(title, speed),
        Table(f"the same with {options.bad_rows:,} bad rows", bad),
        Table("memory of the import", memory),
    )
    return Report("csv_import", machine, tables)


class _Bench:
    """The target, made anew for each run, and the two ways to fill it."""

    def __init__(self, url: str, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._url = url
        self._connection = connection
        ((schema,),) = connection.execute("SELECT current_schema()").fetchall()
        self._table = f"{schema}.transactions"

    def psql(self, file: Path) -> float:
        self._make_table()
        program = shutil.which("psql") or str(find_binaries() / "bin" / "psql")
        began = time.perf_counter()
        command = [program, "-X", "-q", f"--command={COPY.format(file=file)}", for_psycopg(self._url)]
        subprocess.run(command, check=True)
        return time.perf_counter() - began

    def csv_import(
        self, file: Path, rows: int, extra: dict[str, Any], table: str = TABLE
    ) -> tuple[float, int]:
        """Seconds, and KiB of resident memory at most."""
        self._make_table(table)
        payload = {"source": {"path": file.name}, "table": self._table, "mapping": MAPPING, **extra}
        environment = environment_with(ROWCREW_DATA_DIR=str(file.parent), CSV_IMPORT_TABLES=self._table)
        command = [sys.executable, "-c", IMPORT, for_psycopg(self._url), json.dumps(payload)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        inserted, seconds, kib = json.loads(ended.stdout)
        if inserted != rows:
            raise RuntimeError(f"{inserted:,} rows of {rows:,} were inserted")
        return seconds, kib

    def _make_table(self, table: str = TABLE) -> None:
        self._connection.execute(sql.SQL("DROP TABLE IF EXISTS transactions, prices"))
        self._connection.execute(table.encode())
        self._connection.execute("CHECKPOINT")


def _speed(bench: _Bench, file: Path, rows: int, repeats: int) -> list[Row]:
    found: dict[str, list[float]] = {"psql \\copy": [], **{name: [] for name in IMPORTS}}
    for number in range(1, repeats + 1):
        tell(f"round {number}")
        found["psql \\copy"].append(bench.psql(file))
        for name, extra in IMPORTS.items():
            given = _day_first(file) if extra.get("dateFormats") == [DAY_FIRST] else file
            found[name].append(bench.csv_import(given, rows, extra)[0])
    return [_row(name, seconds, found["psql \\copy"], rows) for name, seconds in found.items()]


def _row(name: str, seconds: list[float], copies: list[float], rows: int) -> Row:
    shares = [copy / each for copy, each in zip(copies, seconds, strict=True)]
    quarters = statistics.quantiles(shares, n=4, method="inclusive") if len(shares) > 1 else shares
    return {
        "way": name,
        "rowsPerSecond": round(rows / statistics.median(seconds)),
        "shareOfPsql": round(statistics.median(shares), 2),
        "quartiles": f"{quarters[0]:.2f} to {quarters[-1]:.2f}",
        "seconds": " ".join(f"{each:.1f}" for each in seconds),
    }


def _bad(bench: _Bench, directory: Path, rows: int, bad_rows: int, repeats: int) -> list[Row]:
    places = range(0, rows, -(-rows // bad_rows))
    found: dict[str, list[float]] = {name: [] for kinds in BAD.values() for name in kinds}
    for number, name in enumerate(found):
        cells = next(kinds[name] for kinds in BAD.values() if name in kinds)
        _write(directory / f"{number}.csv", rows, bad=dict.fromkeys(places, cells) if cells else None)
    for number in range(1, repeats + 1):
        tell(f"round {number} of bad rows")
        for table, kinds in BAD.items():
            for name, cells in kinds.items():
                file, good = directory / f"{[*found].index(name)}.csv", rows - len(places) if cells else rows
                found[name].append(bench.csv_import(file, good, {"maxErrors": bad_rows}, table)[0])
    return [_bad_row(name, found[name], found[next(iter(kinds))]) for kinds in BAD.values() for name in kinds]


def _bad_row(name: str, seconds: list[float], clean: list[float]) -> Row:
    times = [each / without for each, without in zip(seconds, clean, strict=True)]
    return {
        "badRows": name,
        "timesTheCleanImport": round(statistics.median(times), 2),
        "seconds": " ".join(f"{each:.1f}" for each in seconds),
    }


def _memory(bench: _Bench, file: Path, rows: int) -> Row:
    _, kib = bench.csv_import(file, rows, {})
    return {
        "rows": rows,
        "fileMiB": round(file.stat().st_size / 2**20, 1),
        "largestMiB": round(kib / 1024, 1),
    }


def _day_first(file: Path) -> Path:
    return file.with_name(f"day first {file.name}")


def _write(
    file: Path, rows: int, date_format: str = "%Y-%m-%d", bad: Mapping[int, tuple[str, str]] | None = None
) -> None:
    days = [date(2026, month, 1).strftime(date_format) for month in range(1, 13)]
    with file.open("w") as lines:
        lines.write("Id,Date,Amount,Memo\n")
        for row in range(rows):
            day, amount = (bad or {}).get(row) or (days[row % 12], f"{row % 5000 - 2500}.50")
            lines.write(f'{row},{day},{amount},"card payment, shop {row}"\n')
