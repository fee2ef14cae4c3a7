"""Four programs that send SQL to the table, each in its own way: how values are given, how a commit is made.

In: the address of a database. Out: `insert` enqueues with the plain INSERT and answers the new job's id,
`change` sends an UPDATE whose `{id}` is the job's id and answers how many rows it changed.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from typing import Any, Protocol

import asyncpg
import psycopg
import sqlalchemy

from rowcrew.embedded import find_binaries

INSERT = "INSERT INTO jobs (type, payload, status) VALUES ({type}, {payload}, 'queued') RETURNING id"

Payload = dict[str, Any]


class Producer(Protocol):
    """What the tests ask of each."""

    def __init__(self, url: str) -> None: ...

    def insert(self, type: str, payload: Payload) -> int: ...

    def change(self, statement: str, id: int) -> int: ...


class Psql:
    """Values are psql's variables."""

    def __init__(self, url: str) -> None:
        self._url = url

    def insert(self, type: str, payload: Payload) -> int:
        values = {"type": type, "payload": json.dumps(payload)}
        return int(self._run(INSERT.format(type=":'type'", payload=":'payload'"), values).split()[0])

    def change(self, statement: str, id: int) -> int:
        tag = re.search(r"UPDATE (\d+)", self._run(statement.format(id=":id"), {"id": str(id)}))
        assert tag is not None
        return int(tag[1])

    def _run(self, statement: str, values: dict[str, str]) -> str:
        variables = [f"--set={name}={value}" for name, value in {"ON_ERROR_STOP": "1", **values}.items()]
        command = [str(find_binaries() / "bin" / "psql"), self._url, "-X", "-At", *variables]
        done = subprocess.run(command, input=statement, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


class Psycopg:
    """Values are `%s`; the connection's block commits."""

    def __init__(self, url: str) -> None:
        self._url = url

    def insert(self, type: str, payload: Payload) -> int:
        with psycopg.connect(self._url) as connection:
            statement = INSERT.format(type="%s", payload="%s")
            row = connection.execute(statement, [type, json.dumps(payload)]).fetchone()
        assert row is not None
        return int(row[0])

    def change(self, statement: str, id: int) -> int:
        with psycopg.connect(self._url) as connection:
            return connection.execute(statement.format(id="%s"), [id]).rowcount


class SqlAlchemy:
    """Core with textual SQL: values are `:name`; the engine's block commits."""

    def __init__(self, url: str) -> None:
        address = url.replace("postgresql://", "postgresql+psycopg://")
        self._engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool)

    def insert(self, type: str, payload: Payload) -> int:
        statement = sqlalchemy.text(INSERT.format(type=":type", payload=":payload"))
        with self._engine.begin() as connection:
            values = {"type": type, "payload": json.dumps(payload)}
            return int(connection.execute(statement, values).scalar_one())

    def change(self, statement: str, id: int) -> int:
        with self._engine.begin() as connection:
            return connection.execute(sqlalchemy.text(statement.format(id=":id")), {"id": id}).rowcount


class Asyncpg:
    """Values are `$1`; a jsonb is given as text."""

    def __init__(self, url: str) -> None:
        self._url = url

    def insert(self, type: str, payload: Payload) -> int:
        statement = INSERT.format(type="$1", payload="$2")
        return int(asyncio.run(self._call("fetchval", statement, type, json.dumps(payload))))

    def change(self, statement: str, id: int) -> int:
        tag = asyncio.run(self._call("execute", statement.format(id="$1"), id))
        return int(tag.removeprefix("UPDATE "))

    async def _call(self, method: str, *arguments: Any) -> Any:
        connection = await asyncpg.connect(self._url)
        try:
            return await getattr(connection, method)(*arguments)
        finally:
            await connection.close()


PRODUCERS: tuple[type[Producer], ...] = (Psql, Psycopg, SqlAlchemy, Asyncpg)
