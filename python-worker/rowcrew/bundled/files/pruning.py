"""The type `prune_files`: deletes stored files whose time has passed, a little at a time.

In: the setting STORED_FILE_TTL. Out: how many files went, and a next run an hour later for as long as there
are files of jobs. `store` enqueues the first run; anybody may enqueue another by hand. Only keys that read
`jobs/<id>/…` are ever deleted.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Final

import msgspec
import psycopg

from rowcrew.bundled.files.settings import FileSettings
from rowcrew.bundled.files.statements import SQL
from rowcrew.context import Context
from rowcrew.crew import Crew

TYPE: Final = "prune_files"
BATCH: Final = 2_000
FILE_BYTES: Final = 64 * 2**20  # a file's deletion costs by its size
_BREATH_SECONDS: Final = 0.05
_PERIOD: Final = timedelta(hours=1)

crew = Crew()


class PrunedFiles(msgspec.Struct, frozen=True):
    """The result: how many files were deleted."""

    deleted: int


@crew.job(TYPE, executor="thread")
def prune_files(context: Context) -> PrunedFiles:
    """Delete files of jobs that are older than STORED_FILE_TTL."""
    keep_seconds = FileSettings.read().keep_seconds
    if keep_seconds is None:
        return PrunedFiles(0)
    with context.transaction() as connection:
        deleted = _walk(connection, keep_seconds, context)
        if connection.execute(SQL["any_file_of_a_job"]).fetchone() is not None:
            enqueue_pruning(context, after=_PERIOD)
    return PrunedFiles(deleted)


def enqueue_pruning(context: Context, *, after: timedelta | None = None) -> None:
    """Have files deleted when their time has passed, if they have one: with the run's completion, and once.

    The unique key holds one job at a time, whoever asks. A run that asks for its own successor gets it,
    because its completion comes first in their commit and frees the key.
    """
    if FileSettings.read().keep_seconds is None:
        return
    context.enqueue(
        TYPE,
        unique_key=TYPE,
        queue=context.job.queue,  # somebody serves this one
        run_at=after,
        parent_id=None,
    )


def _walk(connection: psycopg.Connection[Any], keep_seconds: int, context: Context) -> int:
    """Delete to the end of the table; each batch is a short transaction of its own, which blocks nobody."""
    deleted, after = 0, ""
    while True:
        limits = {"after": after, "batch": BATCH, "keep_files": keep_seconds, "most_bytes": FILE_BYTES}
        ((came_to, gone),) = connection.execute(SQL["prune_files"], limits)
        connection.commit()
        if came_to is None:
            return deleted
        deleted, after = deleted + gone, came_to
        context.progress(deleted, None, f"Deleted {deleted:,} files")
        time.sleep(_BREATH_SECONDS)
