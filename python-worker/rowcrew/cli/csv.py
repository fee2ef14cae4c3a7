"""`rowcrew csv`: how a CSV file would be imported, before a job does it.

In: a file, and if wanted the table that it is for. Out: what a dry run of `csv_import` says, for people or as
JSON. The importer is loaded when the command runs, not before.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import msgspec
import psycopg
from cyclopts import App, Parameter

from rowcrew.cli import FAILURE, SUCCESS, UsageError
from rowcrew.cli.asking import explained
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import print_document
from rowcrew.cli.tables import print_table, wrapped
from rowcrew.model.errors import RowcrewError
from rowcrew.model.terminal_text import one_line
from rowcrew.table.opening import opened

if TYPE_CHECKING:
    from rowcrew.bundled.csv_import.preview import Preview

_MOST_ACROSS = 6
_ROWS_ACROSS = 3

csv = App(name="csv", help="Look at CSV files before they are imported.")


@csv.command
def preview(
    file: Path,
    /,
    *,
    table: str | None = None,
    payload: Annotated[str, Parameter(allow_leading_hyphen=True)] = "{}",
    json: AsJson = False,
) -> int:
    """Show how csv_import reads a file: dialect, header, first rows, complaints.

    It imports nothing, and without --table it asks no database. Exit codes:
    0 all rows can be read, 1 some cannot, 2 the command is wrong.

    Parameters
    ----------
    file
        The CSV file.
    table
        The table that it is for; its rows are shown as they would be stored.
    payload
        Fields of csv_import's payload, as JSON: {"dateFormats": ["%d.%m.%Y"]}.
    """
    found = _preview(file, table, payload)
    if json:
        print_document(found)
    else:
        _print(found)
    return FAILURE if found.complaints else SUCCESS


def _preview(file: Path, table: str | None, payload: str) -> Preview:
    from rowcrew.bundled.csv_import import preview as dry_run
    from rowcrew.bundled.csv_import.payload import CsvImport
    from rowcrew.context import PermanentError

    try:
        given = {**_object(payload), "source": {"path": file.name}, "dryRun": True}
        wanted = msgspec.convert(given | ({"table": table} if table else {}), CsvImport)
    except msgspec.ValidationError as error:
        raise UsageError(f"--payload: {error}") from error
    try:
        with _opened_file(file) as content:
            if wanted.table is None:
                return dry_run.of_file(wanted, content, _go_on)
            address = read_settings().require_database_url()
            try:
                with opened(address, name="csv preview") as connection:
                    found = dry_run.of_import(wanted, content, connection, _go_on)
                    connection.rollback()
                    return found
            except psycopg.Error as error:
                raise explained(error, address) from error
    except PermanentError as error:
        raise RowcrewError(f"{file}: {error}") from error


def _opened_file(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise UsageError(
            f"{file}: {error.strerror}; give the path of a CSV file that you may read"
        ) from error


def _object(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise UsageError(f"--payload is no JSON object: {error}") from error


def _go_on() -> None:
    """Nobody cancels a command but by Ctrl-C."""


def _print(found: Preview) -> None:
    dialect = {name: value for name, value in found.dialect.items() if value is not None}
    _section("dialect", "  ".join(f"{name} {_shown(value)}" for name, value in dialect.items()))
    if found.header:
        _section("header", ", ".join(map(one_line, found.header)))
    if found.rows:
        print("\nrows")
        _print_rows(found)
    if found.complaints:
        print("\ncomplaints")
        for complaint in found.complaints:
            _item(f"row {complaint.row}: {one_line(complaint.reason)}")
    if found.warnings:
        print("\nwarnings")
        for warning in found.warnings:
            _item(one_line(warning))
    print("\nsuggestion")
    print(msgspec.json.format(msgspec.json.encode(found.suggestion), indent=2).decode())


def _print_rows(found: Preview) -> None:
    """The first rows; of many columns, one a line with its values in the first few rows."""
    if len(found.columns) <= _MOST_ACROSS:
        print_table(found.rows, found.columns)
        return
    shown = {f"row {number}": row for number, row in enumerate(found.rows[:_ROWS_ACROSS], 1)}
    down = [_down(name, shown) for name in found.columns]
    print_table(down, ["column", *shown])


def _down(name: str, shown: dict[str, dict[str, str | None]]) -> dict[str, str | None]:
    return {"column": name, **{title: row[name] for title, row in shown.items()}}


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) and not value.strip("\t |;:,") else str(value)


def _section(name: str, text: str) -> None:
    print(name)
    _item(text)


def _item(text: str) -> None:
    for line in wrapped(text, indent="  "):
        print(line)
