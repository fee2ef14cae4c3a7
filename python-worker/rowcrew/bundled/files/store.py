"""Keeps files that are no part of a result: in a bucket, or without one in the table `blobs`.

In: a file and a connection inside the job's transaction. Out: the file's key, hash and size, in the form
results carry them; never a URL, which would let whoever reads the row read the file. A row in `blobs` commits
with the job's completion. An object is there at once: if its run fails or loses its lease afterwards, the
job's next run replaces it.
"""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg

from rowcrew import SettingsError
from rowcrew.bundled.files.blobs import Blob, put_blob
from rowcrew.bundled.files.pruning import enqueue_pruning
from rowcrew.bundled.files.settings import FileSettings
from rowcrew.context import Context


def store(
    connection: psycopg.Connection[Any], context: Context, name: str, content: bytes, content_type: str
) -> Blob:
    """Keep a file of a job under `jobs/<id>/<name>`; a later run of the job replaces it.

    A row of `blobs` goes after STORED_FILE_TTL, if that is set; in a bucket Rowcrew deletes nothing.

    Raises:
        PermanentError: S3 does not allow it, or lacks a setting, which the text names.
        TransferFailed: the network or S3 failed several times.
    """
    if FileSettings.read().s3_bucket_name is None:
        enqueue_pruning(context)
    return store_under(connection, f"jobs/{context.job.id}/{name}", content, content_type)


def store_under(connection: psycopg.Connection[Any], key: str, content: bytes, content_type: str) -> Blob:
    """Keep a file under this key, in place of the one that had it. Raises what `store` does."""
    bucket = FileSettings.read().s3_bucket_name
    if bucket is None:
        return put_blob(connection, key, content, content_type)
    from rowcrew.bundled.files import s3

    s3.upload(bucket, key, content, content_type)
    return Blob(key, hashlib.sha256(content).hexdigest(), len(content), content_type)


def presigned_url(key: str, seconds: int = 3600) -> str:
    """A URL by which whoever holds it may read a stored file, for so many seconds, at most seven days.

    The URL is made on request and kept nowhere. It ends earlier where the credentials that signed it do.

    Raises:
        SettingsError: files are in the table `blobs`, because S3_BUCKET_NAME is not set.
        ValueError: more than seven days.
    """
    bucket = FileSettings.read().s3_bucket_name
    if bucket is None:
        raise SettingsError(["S3_BUCKET_NAME is not set: stored files are rows of the table blobs"])
    from rowcrew.bundled.files import s3

    return s3.presigned_url(bucket, key, seconds)
