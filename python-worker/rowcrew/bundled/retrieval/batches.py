"""The table `batchFiles`: the jobs of a batch's files.

In: a psycopg connection, whose transaction the caller ends. Out: ids. Called by `batch_processing`, and by
`file_processing`, which may be the file of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from rowcrew.bundled.retrieval.statements import SQL

Connection = psycopg.Connection[Any]


def children_of(connection: Connection, batch: int) -> list[int]:
    """The jobs of a batch's files, if they are enqueued. Until the commit no other run may enqueue them."""
    connection.execute(SQL["lock_batch"], {"batch": batch})
    return [id for (id,) in connection.execute(SQL["batch_children"], {"batch": batch})]


def keep_children(connection: Connection, batch: int, children: Sequence[int], *, stops: bool) -> None:
    """Remember the jobs of a batch's files. `stops`: none shall begin when one has failed."""
    connection.execute(SQL["drop_old_batches"])
    parameters = {"batch": batch, "children": list(children), "stops": stops}
    connection.execute(SQL["keep_batch_children"], parameters)


def failed_file_beside(connection: Connection, job: int) -> int | None:
    """The job of a file that failed, if it is of the same batch and that stops with the first failure."""
    row = connection.execute(SQL["failed_file_beside"], {"job": job}).fetchone()
    return None if row is None else int(row[0])
