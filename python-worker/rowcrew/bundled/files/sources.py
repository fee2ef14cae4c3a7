"""Inputs by reference: a payload names a file, a handler reads it.

In: a `Source` out of a payload, and a connection for files in the table `blobs`. Out: an open binary file
that can seek. A remote file is fetched before a transaction opens, because that may take minutes. A
source that cannot be read is a permanent error which says what to give instead.
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

from rowcrew.bundled.files.arrival import Patience
from rowcrew.bundled.files.blobs import blob_parts, blob_size
from rowcrew.bundled.files.settings import FileSettings
from rowcrew.context import Context, PermanentError

INLINE_BYTES: Final = 2**20
_KEY_BYTES: Final = 1_024
_INLINE_CHARACTERS: Final = 4 * ((INLINE_BYTES + 2) // 3)


class S3Object(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An object in a bucket."""

    bucket: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    key: Annotated[str, Meta(min_length=1)]

    def __post_init__(self) -> None:
        if len(self.key.encode()) > _KEY_BYTES:
            raise ValueError(f"key has more than {_KEY_BYTES:,} bytes")
        if {".", ".."} & set(self.key.split("/")):  # on the way such a key may turn into another one
            raise ValueError("key has a part that is only . or ..")


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Where a file is. Exactly one of these is given.

    Attributes:
        path: a file under ROWCREW_DATA_DIR.
        inline_base64: the file itself, at most 1 MB.
        blob: key of a row in `blobs`.
        s3: an object that the worker's credentials may read.
        url: a file on a public https server.
    """

    path: Annotated[str, Meta(min_length=1)] | None = None
    inline_base64: Annotated[str, Meta(max_length=_INLINE_CHARACTERS)] | None = None
    blob: Annotated[str, Meta(min_length=1)] | None = None
    s3: S3Object | None = None
    url: Annotated[str, Meta(min_length=1, max_length=8_192)] | None = None

    def __post_init__(self) -> None:
        given = [field for field in self.__struct_fields__ if getattr(self, field) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of path, inlineBase64, blob, s3, url")


@contextmanager
def fetched(
    source: Source,
    most_bytes: int,
    context: Context,
    patience: Patience = Patience(),  # noqa: B008 - frozen
) -> Iterator[Source | IO[bytes]]:
    """What `open_source` opens: a file in S3 or behind a URL as a temporary file, any other source as it is.

    Raises:
        PermanentError: there is no such file, it must not be read, or it is larger than `most_bytes`.
        TransferFailed: the network or the other side failed several times.
        RunStopped: the run was cancelled.
    """
    if source.s3 is None and source.url is None:
        yield source
        return
    with tempfile.TemporaryFile() as file:
        if source.s3 is not None:
            from rowcrew.bundled.files import s3

            s3.download(
                source.s3.bucket, source.s3.key, file, most_bytes, lambda: context.cancelled, patience
            )
        elif source.url is not None:
            from rowcrew.bundled.files.fetch import fetch

            fetch(source.url, file, most_bytes, lambda: context.cancelled, patience)
        yield file


@contextmanager
def open_source(
    source: Source | IO[bytes], connection: psycopg.Connection[Any], most_bytes: int
) -> Iterator[IO[bytes]]:
    """The file behind what `fetched` gave, open for reading.

    Raises:
        PermanentError: there is no such file, it must not be read, or it is larger than `most_bytes`.
    """
    with _opened(source, connection, most_bytes) as file:
        _require_size(file.seek(0, io.SEEK_END), most_bytes)
        file.seek(0)
        yield file


def _opened(source: Source | IO[bytes], connection: psycopg.Connection[Any], most_bytes: int) -> IO[bytes]:
    if not isinstance(source, Source):
        return source
    if source.path is not None:
        return _open_path(source.path)
    if source.inline_base64 is not None:
        return io.BytesIO(_decoded(source.inline_base64))
    if source.blob is not None:
        return _read_blob(source.blob, connection, most_bytes)
    raise TypeError("a source in S3 or behind a URL goes through fetched() first")


def _open_path(path: str) -> IO[bytes]:
    root = FileSettings.read().data_directory
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


def _read_blob(key: str, connection: psycopg.Connection[Any], most_bytes: int) -> IO[bytes]:
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
