"""The target of an import: whether it may be filled, and the `CopyIn` that fills it.

In: a payload, and a file as it is read. Out: the opened `CopyIn`, or the sentence that says what does not
fit. Called by the handler and by the preview.
"""

from __future__ import annotations

from typing import Any

import psycopg

from rowcrew.bundled.csv_import.cells import Cells, TargetColumn
from rowcrew.bundled.csv_import.copy_in import CopyIn, target_columns
from rowcrew.bundled.csv_import.payload import CsvImport
from rowcrew.bundled.csv_import.reading import Reading
from rowcrew.bundled.csv_import.settings import CsvImportSettings
from rowcrew.bundled.csv_import.staging import Plan
from rowcrew.context import PermanentError
from rowcrew.family import own_tables

Connection = psycopg.Connection[Any]


def allowed_table(name: str) -> tuple[str, str]:
    """Schema and name of the target.

    Raises:
        PermanentError: imports into this table are not allowed.
    """
    schema, _, table = name.rpartition(".")
    schema = schema or "public"
    allowed = CsvImportSettings.read().tables
    if allowed is not None and not {name, f"{schema}.{table}"} & set(allowed):
        raise PermanentError(f"table {name!r} is not in CSV_IMPORT_TABLES, the tables that imports may fill")
    if allowed is None and schema != "public":
        raise PermanentError(
            f"table {name!r} is not in schema public; name it in CSV_IMPORT_TABLES to allow it"
        )
    if table in own_tables():
        raise PermanentError(f"table {name!r} is one of Rowcrew's own tables")
    return schema, table


def columns_of(
    payload: CsvImport, connection: Connection, schema: str, table: str
) -> dict[str, TargetColumn]:
    """The target's columns.

    Raises:
        PermanentError: there is no such table, or it lacks a column that the payload names.
    """
    columns = target_columns(connection, schema, table)
    if not columns:
        raise PermanentError(f"there is no table {payload.table!r}")
    org = ["orgId"] if payload.org_id is not None else []
    wanted = [*(payload.mapping or {}), *payload.dedupe, *org]
    if unknown := [name for name in wanted if name not in columns]:
        raise PermanentError(
            f"table {payload.table!r} has no column {unknown[0]!r}; its columns are {', '.join(columns)}"
        )
    return columns


def plan_of(
    payload: CsvImport,
    reading: Reading,
    fields: dict[str, int],
    target: tuple[str, str, dict[str, TargetColumn]],
    cells: Cells,
) -> Plan:
    schema, table, columns = target
    return Plan(
        schema=schema,
        table=table,
        columns=columns,
        fields=reading.places(fields),
        constants={} if payload.org_id is None else {"orgId": str(payload.org_id)},
        dedupe=payload.dedupe,
        field_count=reading.width,
        column_count=reading.columns,
        delimiter=reading.dialect.delimiter,
        cells=cells,
    )


def opened(payload: CsvImport, plan: Plan, connection: Connection) -> CopyIn:
    """The staging table, ready for this file and this target."""
    target = CopyIn(connection, plan)
    try:
        target.open()
    except psycopg.errors.InvalidColumnReference as error:
        wanted = ", ".join(payload.dedupe)
        raise PermanentError(
            f"dedupe: table {payload.table!r} has no unique index on exactly ({wanted})"
        ) from error
    except (
        psycopg.ProgrammingError,
        psycopg.DataError,
        psycopg.NotSupportedError,
        psycopg.errors.TooManyColumns,
    ) as error:
        raise PermanentError(
            f"table {payload.table!r} cannot take this import: {error.diag.message_primary}"
        ) from error
    return target
