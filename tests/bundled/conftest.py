"""A database with a target table for the imports of one module, and one short way to run an import."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rowcrew.bundled import crew
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.model.outcome import Errored
from rowcrew.testing import HandlerRun, run_handler
from tests.bundled.servers import moto_server

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


def permanent_error(run: HandlerRun) -> str:
    assert isinstance(run.outcome, Errored), run.outcome
    assert run.outcome.permanent, run.outcome
    return run.outcome.error


@pytest.fixture(scope="module")
def imports_database(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Imports]:
    name = f"imports_{uuid.uuid4().hex}"
    with psycopg.connect(server.url, autocommit=True) as postgres:
        postgres.execute(f"CREATE DATABASE {name} TEMPLATE {migrated_template} STRATEGY file_copy")
        with psycopg.connect(server.url_of(name), autocommit=True) as connection:
            yield Imports(server, server.url_of(name), connection)
        postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def imports(imports_database: Imports) -> Imports:
    imports_database.clear()
    return imports_database


@pytest.fixture(scope="session")
def moto_address() -> Iterator[str]:
    with moto_server() as address:
        yield address


class Bucket:
    """A bucket in moto's S3, and the settings that make it the worker's own."""

    def __init__(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.name = f"bucket-{uuid.uuid4().hex}"
        self._environment = monkeypatch
        self.use(address)
        self.client.create_bucket(Bucket=self.name)
        monkeypatch.setenv("S3_BUCKET_NAME", self.name)

    def use(self, address: str, *, key: str = "id", secret: str = "secret") -> None:
        """Ask this address for S3 from now on."""
        self._environment.setenv("AWS_ENDPOINT_URL", address)
        self._environment.setenv("AWS_ACCESS_KEY_ID", key)
        self._environment.setenv("AWS_SECRET_ACCESS_KEY", secret)

    @property
    def client(self) -> Any:
        import boto3

        return boto3.client("s3", region_name="us-east-1")

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def get(self, key: str) -> Any:
        return self.client.get_object(Bucket=self.name, Key=key)

    def keys(self) -> list[str]:
        return [each["Key"] for each in self.client.list_objects_v2(Bucket=self.name).get("Contents", ())]


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
