"""A database with a target table for the imports of one module, and one short way to run an import."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rig.bucket import Bucket, moto_server
from rig.databases import new_database
from rowcrew.bundled import crew
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.model.outcome import Errored
from rowcrew.testing import HandlerRun, run_handler

HEADER = b"Id,Date,Amount,Memo\n"
FILE = b"Id,Date,Amount,Memo\n1,,,a\n"
TABLES = """
    DROP TABLE IF EXISTS transactions, notes;
    CREATE TABLE transactions (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        "orgId" text, "sourceId" text, date date, amount numeric(12, 2), description text,
        CHECK (amount <> 666),
        UNIQUE ("orgId", "sourceId")
    );
    CREATE TABLE notes (first text, second varchar(40), "the ""third"" one" text);
    TRUNCATE blobs
"""


class Imports:
    """Runs `csv_import` on a database of its own."""

    def __init__(
        self, server: EmbeddedPostgres, url: str, connection: psycopg.Connection[tuple[Any, ...]]
    ) -> None:
        self.server = server
        self.url = url
        self.connection = connection

    def run(self, file: bytes, **payload: Any) -> HandlerRun:
        source = {"inlineBase64": base64.b64encode(file).decode()}
        return self.run_source(source, **payload)

    def run_source(
        self, source: dict[str, Any], *, stop_at_progress: int | None = None, **payload: Any
    ) -> HandlerRun:
        given = {
            "source": source,
            "table": "transactions",
            "mapping": {"sourceId": "Id", "date": "Date", "amount": "Amount", "description": "Memo"},
        }
        return run_handler(
            crew, "csv_import", given | payload, database_url=self.url, stop_at_progress=stop_at_progress
        )

    def refusal(self, file: bytes, **payload: Any) -> str:
        return permanent_error(self.run(file, **payload))

    def rows(
        self, columns: str = '"sourceId", date::text, amount::text, description'
    ) -> list[tuple[Any, ...]]:
        return self.connection.execute(f"SELECT {columns} FROM transactions ORDER BY id").fetchall()

    def count(self, table: str) -> int:
        ((count,),) = self.connection.execute(f"SELECT count(*) FROM {table}")
        return int(count)

    def blob(self, key: str) -> bytes:
        ((content,),) = self.connection.execute("SELECT bytes FROM blobs WHERE key = %s", [key])
        return bytes(content)

    def clear(self) -> None:
        self.connection.execute(TABLES)


def report(imports: Imports, result: dict[str, Any]) -> list[list[str]]:
    """The error report of an import, its header first."""
    return list(csv.reader(io.StringIO(imports.blob(result["errorReportKey"]).decode())))


def permanent_error(run: HandlerRun) -> str:
    assert isinstance(run.outcome, Errored), run.outcome
    assert run.outcome.permanent, run.outcome
    return run.outcome.error


@pytest.fixture(scope="module")
def imports_database(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Imports]:
    with (
        new_database(server, "imports", template=migrated_template) as name,
        psycopg.connect(server.url_of(name), autocommit=True) as connection,
    ):
        yield Imports(server, server.url_of(name), connection)


@pytest.fixture
def imports(imports_database: Imports) -> Imports:
    imports_database.clear()
    return imports_database


@pytest.fixture(scope="session")
def moto_address() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def bucket(moto_address: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    return Bucket(moto_address, monkeypatch)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data directory, with one good file in it, and one beside it that no path may reach."""
    directory = tmp_path / "data"
    directory.mkdir()
    (tmp_path / "secret.csv").write_bytes(FILE)
    (directory / "good.csv").write_bytes(FILE)
    monkeypatch.setenv("ROWCREW_DATA_DIR", str(directory))
    return directory
