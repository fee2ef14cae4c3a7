"""`python -m benchmarks NAME [options]`: run one, print its tables, write benchmarks/results/NAME.json."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from rowcrew.bench.report import Report
from rowcrew.bench.scratch import scratch_schema
from rowcrew.cli.bench import ends_tidily, print_report
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.model.errors import RowcrewError

NAMES: Final = (
    "drain",
    "paired",
    "enqueue",
    "latency",
    "lines",
    "steady",
    "pinned",
    "history",
    "backlog",
    "workers",
    "fleet",
    "limits",
    "tenants",
    "mix",
    "idle",
    "queries",
    "reserve",
    "start",
    "session",
    "spawner",
    "csv_import",
    "waits",
    "web",
    "jobs",
    "announcements",
    "loop_lag",
)
RESULTS: Final = Path(__file__).parent / "results"
SERVER_SETTINGS: Final = {"shared_buffers": "1GB"}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in NAMES:
        print("./dev bench NAME [options]; --help after a name shows its options")
        for name in NAMES:
            print(f"  {name:10} {_purpose(name)}")
        return 0 if arguments[:1] in ([], ["-h"], ["--help"]) else 2
    name = arguments[0]
    benchmark = importlib.import_module(f"benchmarks.{name}")
    options = _options(benchmark, arguments)
    try:
        with ends_tidily(), _database(options.database_url, benchmark) as url, scratch_schema(url) as scratch:
            report: Report = benchmark.measure(scratch, options)
    except RowcrewError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print_report(report)
    _write(report, options.results, arguments)
    return 0


def _purpose(name: str) -> str:
    return str(importlib.import_module(f"benchmarks.{name}").__doc__).partition("\n")[0]


def _options(benchmark: Any, arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"./dev bench {arguments[0]}", description=benchmark.__doc__)
    parser.add_argument(
        "--database-url", help="a server of your own instead of a private one; its jobs stay untouched"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the JSON goes")
    benchmark.add_options(parser)
    return parser.parse_args(arguments[1:])


@contextmanager
def _database(url: str | None, benchmark: Any) -> Iterator[str]:
    if url is not None:
        yield url
        return
    settings = SERVER_SETTINGS | getattr(benchmark, "SERVER_SETTINGS", {})
    with EmbeddedPostgres(durable=True, settings=settings) as server:
        yield server.url


def _write(report: Report, directory: Path, arguments: list[str]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    document = {"command": " ".join(["./dev bench", *arguments]), **msgspec.to_builtins(report)}
    target = directory / f"{report.name}.json"
    target.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2))
    print(f"- written to {target}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
