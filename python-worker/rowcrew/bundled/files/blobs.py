"""The table `blobs`: files of jobs, by key.

In: a psycopg connection, whose transaction decides whether a file stays. Out: sizes, parts and facts. Called
by `store` and `sources`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import psycopg

from rowcrew.bundled.files.statements import SQL

PART_BYTES: Final = 16 * 2**20


class Blob(msgspec.Struct, frozen=True, rename="camel"):
    """A stored file: its key, SHA-256 in hexadecimal, size in bytes and content type."""

    key: str
    sha256: str
    size: int = msgspec.field(name="bytes")
    content_type: str | None = None


def put_blob(connection: psycopg.Connection[Any], key: str, content: bytes, content_type: str) -> Blob:
    """Store a file, in place of the one that had this key."""
    parameters = {"key": key, "content": content, "content_type": content_type}
    ((*facts,),) = connection.execute(SQL["put_blob"], parameters)
    return Blob(*facts)


def blob_size(connection: psycopg.Connection[Any], key: str) -> int | None:
    """The size of a file in bytes; None if there is none of that key."""
    row = connection.execute(SQL["blob_size"], {"key": key}).fetchone()
    return None if row is None else row[0]


def blob_parts(connection: psycopg.Connection[Any], key: str, size: int) -> Iterator[bytes]:
    """The content of a file, one part after the other, so that memory holds one part."""
    for start in range(1, size + 1, PART_BYTES):
        parameters = {"key": key, "start": start, "length": PART_BYTES}
        cursor = connection.cursor(binary=True)
        row = cursor.execute(SQL["get_blob"], parameters).fetchone()
        yield b"" if row is None else row[0]
