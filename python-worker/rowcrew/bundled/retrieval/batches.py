"""The table `batchFiles`: the jobs of a batch's files.

In: a psycopg connection, whose transaction the caller ends. Out: ids of jobs. Called by
`batch_processing`, and by `file_processing`, which may be the file of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from rowcrew import get
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


def begin_file(connection: Connection, job: int) -> int | None:
    """Remember that a file begins, and commit. Out: one that failed, if the batch stops with the first."""
    row = connection.execute(SQL["begin_file"], {"job": job}).fetchone()
    connection.commit()
    if row is None:
        return None
    beside = connection.execute(SQL["unfinished_beside"], {"job": job, "batch": row[0]}).fetchall()
    known = ((id, get(id, on=connection)) for (id,) in beside)
    return next((id for id, sibling in known if sibling is not None and sibling.status == "failed"), None)


def finish_file(connection: Connection, job: int) -> None:
    """Remember, with the job's completion, that a file is searchable."""
    connection.execute(SQL["finish_file"], {"job": job})
