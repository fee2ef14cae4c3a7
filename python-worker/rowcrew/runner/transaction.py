"""A handler's own transaction, which its job's completion joins.

The block gives the handler a connection; leaving it by an exception rolls back. The commit comes after the
handler has returned, together with the completion under the run's lease: no row there means that the job is
no longer ours, and everything rolls back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import psycopg

from rowcrew.client import enqueue_many, enqueue_many_async
from rowcrew.model.errors import LeaseLost
from rowcrew.model.event import NewEvent, events_document
from rowcrew.model.job import Job
from rowcrew.model.new_job import NewJob
from rowcrew.runner.wire import Note
from rowcrew.table import producer, run
from rowcrew.table.link import is_lent
from rowcrew.table.opening import opened, opened_async
from rowcrew.table.question import answered, answered_async, psycopg_rows, psycopg_rows_async


class RunTransaction:
    """A run's own transaction, for `with` and `async with`: the form tells the kind of its connection."""

    def __init__(self, job: Job, database_url: str) -> None:
        self._job = job
        self._address = database_url
        self._sync: psycopg.Connection[Any] | None = None
        self._async: psycopg.AsyncConnection[Any] | None = None

    @property
    def is_open(self) -> bool:
        return self._sync is not None or self._async is not None

    def __enter__(self) -> psycopg.Connection[Any]:
        connection = opened(self._address, name=self._name)
        self._sync = connection
        session = answered(run.limit_idle_transaction(), partial(psycopg_rows, connection))
        _heed_pooler(connection, session.server_process)
        return connection

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None and self._sync is not None:
            self._sync.close()
            self._sync = None

    async def __aenter__(self) -> psycopg.AsyncConnection[Any]:
        connection = await opened_async(self._address, name=self._name)
        self._async = connection
        asking = run.limit_idle_transaction()
        session = await answered_async(asking, partial(psycopg_rows_async, connection))
        _heed_pooler(connection, session.server_process)
        return connection

    async def __aexit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None and self._async is not None:
            await self._async.close()
            self._async = None

    async def complete(
        self,
        result: bytes | None,
        note: Note,
        children: Sequence[NewJob],
        events: Sequence[NewEvent] = (),
    ) -> bool:
        """Write the completion, the run's last note, its events and children, commit; whether others wait.

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
            return await self._complete_async(self._async, parameters, children, events)
        assert self._sync is not None
        return await asyncio.to_thread(self._complete_sync, self._sync, parameters, children, events)

    async def roll_back(self) -> None:
        """Leave without a trace."""
        if self._async is not None:
            await self._async.close()
        elif self._sync is not None:
            await asyncio.to_thread(self._sync.close)

    @property
    def _name(self) -> str:
        return f"job {self._job.id}"

    async def _complete_async(
        self,
        connection: psycopg.AsyncConnection[Any],
        parameters: dict[str, Any],
        children: Sequence[NewJob],
        events: Sequence[NewEvent],
    ) -> bool:
        try:
            asking = run.complete(**parameters)
            completion = await answered_async(asking, partial(psycopg_rows_async, connection))
            if completion is None:
                raise LeaseLost(f"job {self._job.id} is no longer this run's")
            if children:
                await enqueue_many_async(children, on=connection)
            if events:
                told = producer.emit(events_document(events))
                await answered_async(told, partial(psycopg_rows_async, connection))
            await connection.commit()
            return completion.tells
        finally:
            await connection.close()

    def _complete_sync(
        self,
        connection: psycopg.Connection[Any],
        parameters: dict[str, Any],
        children: Sequence[NewJob],
        events: Sequence[NewEvent],
    ) -> bool:
        try:
            completion = answered(run.complete(**parameters), partial(psycopg_rows, connection))
            if completion is None:
                raise LeaseLost(f"job {self._job.id} is no longer this run's")
            if children:
                enqueue_many(children, on=connection)
            if events:
                answered(producer.emit(events_document(events)), partial(psycopg_rows, connection))
            connection.commit()
            return completion.tells
        finally:
            connection.close()


def _heed_pooler(
    connection: psycopg.Connection[Any] | psycopg.AsyncConnection[Any], server_process: int
) -> None:
    """A statement prepared in a session that a pooler lent would stay there, in the way of its next user."""
    if is_lent(connection, server_process):
        connection.prepare_threshold = None


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode()
