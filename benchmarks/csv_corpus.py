"""What csv_import makes of a corpus of CSV files: `python -m benchmarks.csv_corpus DIRECTORY`.

The directory has `csv/`, the files as they were found or spoilt, and `clean/`, the same tables as plain CSV
under the same names (the Pollock benchmark comes in this shape). Every file is imported with what its dry run
suggests and no option typed, into a table of texts; `--like FILE` uses that file's suggestion for all. A file
counts as exact if the table equals the clean one, as told if it failed, or left rows out, or warned; the rest
was stored wrong without a word.
"""

from __future__ import annotations

import argparse
import csv
import logging
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import sql

from rowcrew.bench.scratch import scratch_schema
from rowcrew.bundled.csv_import.handler import crew
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.model.outcome import Errored
from rowcrew.table.address import for_psycopg
from rowcrew.testing import HandlerRun, run_handler

Verdict = Literal["exact", "told", "silent"]
Grid = list[list[str]]


class Corpus:
    """A corpus beside the database that its files are imported into."""

    def __init__(self, directory: Path, url: str, connection: psycopg.Connection[Any], table: str) -> None:
        self._directory = directory
        self._url = url
        self._connection = connection
        self._table = table

    def names(self) -> list[str]:
        return sorted(each.name for each in (self._directory / "csv").iterdir() if each.is_file())

    def suggestion(self, name: str) -> dict[str, Any] | str:
        """The fields of a payload that the dry run suggests, or why there is none."""
        run = self._run({"source": {"path": f"csv/{name}"}, "dryRun": True})
        if isinstance(run.outcome, Errored):
            return run.outcome.error
        mapping = {name: run.result["mapping"][name] for name in run.result["columns"]}
        return {**run.result["suggestion"], "mapping": mapping}

    def verdict(self, name: str, suggestion: dict[str, Any] | str) -> tuple[Verdict, str]:
        """How the import with these fields ended, and what it said."""
        if isinstance(suggestion, str):
            return ("exact" if not self._clean(name) else "told"), suggestion
        columns = list(suggestion["mapping"])
        self._make_table(columns)
        run = self._run({"source": {"path": f"csv/{name}"}, "table": self._table, **suggestion})
        if isinstance(run.outcome, Errored):
            return "told", run.outcome.error
        stored = self._stored(columns)
        if self._is_clean(name, stored):
            return "exact", ""
        words = [f"{run.result['rejected']} rejected"] if run.result["rejected"] else []
        words += run.result.get("warnings", [])
        return ("told" if words else "silent"), "; ".join(words)

    def _run(self, payload: dict[str, Any]) -> HandlerRun:
        return run_handler(crew, "csv_import", payload, database_url=self._url)

    def _make_table(self, columns: Sequence[str]) -> None:
        texts = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in columns)
        self._connection.execute("DROP TABLE IF EXISTS corpus")
        self._connection.execute(sql.SQL("CREATE TABLE corpus (arrival bigserial, {})").format(texts))

    def _stored(self, columns: Sequence[str]) -> Grid:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        rows = self._connection.execute(sql.SQL("SELECT {} FROM corpus ORDER BY arrival").format(names))
        return [[cell or "" for cell in row] for row in rows]

    def _clean(self, name: str) -> Grid:
        with (self._directory / "clean" / name).open(newline="", encoding="utf-8", errors="replace") as file:
            return [row for row in csv.reader(file) if any(cell.strip() for cell in row)]

    def _is_clean(self, name: str, stored: Grid) -> bool:
        """Whether the rows are those of the clean table, whose first row names the columns in most files."""
        clean = self._clean(name)
        return any(
            len(rows) == len(stored) and all(map(_is_same, stored, rows)) for rows in (clean[1:], clean)
        )


def _is_same(stored: list[str], clean: list[str]) -> bool:
    """Whether two rows are equal; the clean one may end in blank cells that belong to no column."""
    return clean[: len(stored)] == stored and not any(map(str.strip, clean[len(stored) :]))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.csv_corpus", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--like", help="one of its files, whose suggestion is taken for all")
    parser.add_argument("--show", action="store_true", help="a line for each file that is not exact")
    options = parser.parse_args(arguments)
    logging.disable()
    with EmbeddedPostgres() as server, scratch_schema(server.url) as url:
        print_verdicts(options, url)
    return 0


def print_verdicts(options: argparse.Namespace, url: str) -> None:
    found: Counter[Verdict] = Counter()
    with psycopg.connect(for_psycopg(url), autocommit=True) as connection:
        ((schema,),) = connection.execute("SELECT current_schema()").fetchall()
        table = f"{schema}.corpus"
        os.environ.update(ROWCREW_DATA_DIR=str(options.directory.resolve()), CSV_IMPORT_TABLES=table)
        corpus = Corpus(options.directory, url, connection, table)
        fixed = corpus.suggestion(options.like) if options.like else None
        for name in corpus.names():
            verdict, words = corpus.verdict(name, fixed or corpus.suggestion(name))
            found[verdict] += 1
            if options.show and verdict != "exact":
                print(f"{verdict:6}  {name}: {words}")
    print(", ".join(f"{verdict} {found[verdict]:,}" for verdict in ("exact", "told", "silent")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
