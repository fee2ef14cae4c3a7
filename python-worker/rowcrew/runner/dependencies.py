"""Reads what a run's job waited for, when its handler asks: once, over a connection of its own.

In: the job. Out: a `Dependency` for each job it waited for. Plain handlers iterate, async ones await.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from functools import partial

import msgspec

from rowcrew.context import Dependency
from rowcrew.model.errors import RowcrewError
from rowcrew.model.job import Job
from rowcrew.table import run
from rowcrew.table.opening import opened, opened_async
from rowcrew.table.question import answered, answered_async, psycopg_rows, psycopg_rows_async
from rowcrew.table.run import DependencyRow


class RunDependencies:
    """The jobs that one run's job waited for, in the order given."""

    def __init__(self, job: Job, database_url: str) -> None:
        self._job = job
        self._address = database_url
        self._read: list[Dependency] | None = None

    def __iter__(self) -> Iterator[Dependency]:
        if self._read is None:
            _refuse_on_a_loop()
            with opened(self._address, name=f"job {self._job.id}", autocommit=True) as connection:
                rows = answered(run.dependencies(self._job.id), partial(psycopg_rows, connection))
            self._read = [_decoded(row) for row in rows]
        return iter(self._read)

    def __await__(self) -> Generator[object, None, list[Dependency]]:
        return self._awaited().__await__()

    async def _awaited(self) -> list[Dependency]:
        if self._read is None:
            connection = await opened_async(self._address, name=f"job {self._job.id}", autocommit=True)
            async with connection:
                asking = run.dependencies(self._job.id)
                rows = await answered_async(asking, partial(psycopg_rows_async, connection))
            self._read = [_decoded(row) for row in rows]
        return list(self._read)


def _refuse_on_a_loop() -> None:
    """To read here would hold up every other run of this runner."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RowcrewError("in an async handler: for each in await context.dependencies")


def _decoded(row: DependencyRow) -> Dependency:
    result = None if row.result is None else msgspec.json.decode(row.result)
    return Dependency(
        id=row.id, type=row.type, status=row.status, result=result, error_message=row.error_message
    )
