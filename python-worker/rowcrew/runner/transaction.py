"""A handler's own transaction, which its job's completion joins.

The block gives the handler a connection; leaving it by an exception rolls back. The commit comes after the
handler has returned, together with the completion under the run's lease: no row there means that the job is
no longer ours, and everything rolls back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg

from rowcrew.client import enqueue_many, enqueue_many_async
from rowcrew.model.errors import LeaseLost
from rowcrew.model.job import Job
from rowcrew.model.new_job import NewJob
from rowcrew.runner.wire import Note
from rowcrew.table.address import for_psycopg
from rowcrew.table.link import KEEPALIVE, connecting, is_lent
from rowcrew.table.statements import SQL


class RunTransaction:
    """Both `with` and `async with`: the form tells which kind of connection the handler gets."""

    def __init__(self, job: Job, database_url: str) -> None:
        self._job = job
        self._address = for_psycopg(database_url)
        self._sync: psycopg.Connection[Any] | None = None
        self._async: psycopg.AsyncConnection[Any] | None = None

    @property
    def is_open(self) -> bool:
        return self._sync is not None or self._async is not None

    def __enter__(self) -> psycopg.Connection[Any]:
        with connecting():
            self._sync = psycopg.connect(self._address, application_name=self._name, **KEEPALIVE)
        answer = self._sync.execute(SQL["run/limit_idle_transaction"]).fetchone()
        _heed_pooler(self._sync, answer)
        return self._sync

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None and self._sync is not None:
            self._sync.close()
            self._sync = None

    async def __aenter__(self) -> psycopg.AsyncConnection[Any]:
        with connecting():
            self._async = await psycopg.AsyncConnection.connect(
                self._address, application_name=self._name, **KEEPALIVE
            )
        cursor = await self._async.execute(SQL["run/limit_idle_transaction"])
        _heed_pooler(self._async, await cursor.fetchone())
        return self._async

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None and self._async is not None:
            await self._async.close()
            self._async = None

    async def complete(self, result: bytes | None, note: Note, children: Sequence[NewJob]) -> None:
        """Write the completion with the run's last note, enqueue the children and commit.

        Raises:
            LeaseLost: the job is no longer this run's; everything was rolled back.
            psycopg.Error: nothing was committed, or, if the connection broke in the commit, nobody knows;
                recording the run as failed is safe then, because a committed completion no longer takes it.
        """
        parameters = {
            "id": self._job.id,
            "lease": self._job.lease_id,
            "result": _text(result),
            "progress": _text(note.progress),
            "checkpoint": _text(note.checkpoint),
        }
        if self._async is not None:
            await self._complete_async(self._async, parameters, children)
        elif self._sync is not None:
            await asyncio.to_thread(self._complete_sync, self._sync, parameters, children)

    async def roll_back(self) -> None:
        """Leave without a trace."""
        if self._async is not None:
            await self._async.close()
        elif self._sync is not None:
            await asyncio.to_thread(self._sync.close)

    @property
    def _name(self) -> str:
        return f"rowcrew job {self._job.id}"

    async def _complete_async(
        self, connection: psycopg.AsyncConnection[Any], parameters: dict[str, Any], children: Sequence[NewJob]
    ) -> None:
        try:
            cursor = await connection.execute(SQL["run/complete"], parameters)
            if await cursor.fetchone() is None:
                raise LeaseLost(f"job {self._job.id} is no longer this run's")
            if children:
                await enqueue_many_async(children, on=connection)
            await connection.commit()
        finally:
            await connection.close()

    def _complete_sync(
        self, connection: psycopg.Connection[Any], parameters: dict[str, Any], children: Sequence[NewJob]
    ) -> None:
        try:
            cursor = connection.execute(SQL["run/complete"], parameters)
            if cursor.fetchone() is None:
                raise LeaseLost(f"job {self._job.id} is no longer this run's")
            if children:
                enqueue_many(children, on=connection)
            connection.commit()
        finally:
            connection.close()


def _heed_pooler(
    connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any], answer: tuple[Any, ...] | None
) -> None:
    """A statement prepared in a session that a pooler lent would stay there, in the way of its next user."""
    if answer is not None and is_lent(connection, answer[0]):
        connection.prepare_threshold = None


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode()
