"""Inputs by reference: a payload names a file, a handler reads it.

In: a `Source` out of a payload, and a connection for files in the table `blobs`. Out: an open binary file
that can seek. A source that cannot be read is a permanent error which says what to give instead.
"""

from __future__ import annotations

import base64
import binascii
import io
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, Final

import msgspec
import psycopg
from msgspec import Meta

from rowcrew import settings
from rowcrew.context import PermanentError
from rowcrew.table.blobs import blob_parts, blob_size

INLINE_BYTES: Final = 2**20
_INLINE_CHARACTERS: Final = 4 * ((INLINE_BYTES + 2) // 3)


class S3Object(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An object in a bucket."""

    bucket: str
    key: str


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Where a file is. Exactly one of these is given.

    Attributes:
        path: a file under ROWCREW_DATA_DIR.
        inline_base64: the file itself, at most 1 MB.
        blob: key of a row in `blobs`.
        s3, url: not available in this version.
    """

    path: Annotated[str, Meta(min_length=1)] | None = None
    inline_base64: Annotated[str, Meta(max_length=_INLINE_CHARACTERS)] | None = None
    blob: Annotated[str, Meta(min_length=1)] | None = None
    s3: S3Object | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        given = [field for field in self.__struct_fields__ if getattr(self, field) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of path, inlineBase64, blob")


@contextmanager
def open_source(source: Source, connection: psycopg.Connection[Any], most_bytes: int) -> Iterator[IO[bytes]]:
    """The file behind a source, open for reading.

    Raises:
        PermanentError: there is no such file, it must not be read, or it is larger than `most_bytes`.
    """
    with _opened(source, connection, most_bytes) as file:
        _require_size(file.seek(0, io.SEEK_END), most_bytes)
        file.seek(0)
        yield file


def _opened(source: Source, connection: psycopg.Connection[Any], most_bytes: int) -> IO[bytes]:
    if source.path is not None:
        return _open_path(source.path)
    if source.inline_base64 is not None:
        return io.BytesIO(_decoded(source.inline_base64))
    if source.blob is not None:
        return _fetch_blob(source.blob, connection, most_bytes)
    name = "s3" if source.s3 is not None else "url"
    raise PermanentError(f"source.{name} is not available in this version: give path, inlineBase64 or blob")


def _open_path(path: str) -> IO[bytes]:
    root = settings.read().data_directory
    if root is None:
        raise PermanentError(
            "source.path needs ROWCREW_DATA_DIR, the directory that files may be read from; it is not set"
        )
    try:
        file = _inside(root.resolve(), path)
        return file.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise PermanentError(f"source.path {path!r} cannot be read: {_cause(error)}") from error


def _inside(root: Path, path: str) -> Path:
    """The file, all links followed: neither `..` nor a link leads out of the root. No pipes, no devices."""
    file = (root / path).resolve()
    if not file.is_relative_to(root):
        raise PermanentError(f"source.path {path!r} is not under ROWCREW_DATA_DIR")
    if file.exists() and not file.is_file():
        raise PermanentError(f"source.path {path!r} is no regular file")
    return file


def _cause(error: OSError | ValueError) -> str:
    return error.strerror or "unreadable" if isinstance(error, OSError) else str(error)


def _decoded(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise PermanentError(f"source.inlineBase64 is not base64: {error}") from error
    _require_size(len(content), INLINE_BYTES)
    return content


def _fetch_blob(key: str, connection: psycopg.Connection[Any], most_bytes: int) -> IO[bytes]:
    size = blob_size(connection, key)
    if size is None:
        raise PermanentError(f"source.blob {key!r} is not in the table blobs")
    _require_size(size, most_bytes)
    with ExitStack() as until_filled:
        file = until_filled.enter_context(tempfile.TemporaryFile())
        for part in blob_parts(connection, key, size):
            file.write(part)
        until_filled.pop_all()
    return file


def _require_size(size: int, most_bytes: int) -> None:
    if size > most_bytes:
        raise PermanentError(f"the source has {size:,} bytes, more than the {most_bytes:,} allowed")
