"""Where a job type puts files too large or too dull for a result: today the table `blobs`.

In: a connection inside the job's transaction, so that the file and the completion commit together. Out: the
file's key, hash and size, in the form results carry them.
"""

from __future__ import annotations

from typing import Any

import psycopg

from rowcrew.table.blobs import Blob, put_blob


def store(
    connection: psycopg.Connection[Any], job_id: int, name: str, content: bytes, content_type: str
) -> Blob:
    """Keep a file of a job under `jobs/<id>/<name>`; a later run of the job replaces it."""
    return put_blob(connection, f"jobs/{job_id}/{name}", content, content_type)
