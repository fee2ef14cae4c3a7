"""What `pdf_export` and `pptx_export` have in common: the source of the document, the file's name and limits.

In: the payload of either. Out: the document, and the stored file. A file's name follows from what is in it
and how it looks, so a job that runs again replaces its own file and no other.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, Final

import msgspec
import psycopg
from msgspec import Meta

from rowcrew import get, no_transaction
from rowcrew.bundled.documents.document import Document, Line
from rowcrew.bundled.documents.look import Template
from rowcrew.bundled.documents.number_format import LocaleTag, NumberFormat
from rowcrew.bundled.exports.report import document_of
from rowcrew.bundled.files.blobs import Blob, blob_size
from rowcrew.bundled.files.settings import FileSettings
from rowcrew.bundled.files.sources import S3Object, Source, fetched, open_source
from rowcrew.bundled.files.store import store
from rowcrew.bundled.model_run.kept import kept_result
from rowcrew.bundled.model_run.result import RunResult
from rowcrew.context import Context, PermanentError, Snooze

MOST_BYTES: Final = 20 * 10**6
# Part of every file's name: raise it when the same document comes to look different.
_VERSION: Final = 2
_MOST_RESULT_BYTES: Final = 100 * 10**6
_PATIENCE_SECONDS: Final = 2.0

Id = Annotated[int, Meta(ge=1)] | Annotated[str, Meta(pattern="^[1-9][0-9]{0,17}$")]


class DocumentSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is exported. Exactly one of these is given.

    Attributes:
        job_id: a job of type `model_run`; the export waits until it is completed.
        model_run_id: a row of "modelRuns".
        document: the document itself.
    """

    job_id: Id | None = None
    model_run_id: Id | None = None
    document: Document | None = None

    def __post_init__(self) -> None:
        if [self.job_id, self.model_run_id, self.document].count(None) != 2:
            raise ValueError("give exactly one of jobId, modelRunId, document")


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the file goes: under `jobs/<id of the job>/`, with this name."""

    key: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[\w][\w .,()+=@/-]*$")]

    def __post_init__(self) -> None:
        if any(part.strip(". ") == "" for part in self.key.split("/")):
            raise ValueError("key has a part that is empty or only dots")


class Export(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is exported and how it looks.

    Attributes:
        title: instead of the title the document has.
    """

    source: DocumentSource
    template: Template = "board"
    locale: LocaleTag = "en-US"
    title: Line = ""
    output: Output | None = None


class Exported(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The file that was made."""

    key: str
    size: int = msgspec.field(name="bytes")
    sha256: str
    content_type: str | None


def load_document(payload: Export, connection: psycopg.Connection[Any], context: Context) -> Document:
    """The document of the payload's source.

    Raises:
        PermanentError: there is no such source, or it will never have a document.
        Snooze: the job that makes it has not ended yet.
    """
    source = payload.source
    if source.document is not None:
        document = source.document
    else:
        result = _run_result(_result(source, connection), connection, context)
        document = document_of(result, payload.template, NumberFormat(payload.locale, result.currency))
    return msgspec.structs.replace(document, title=payload.title) if payload.title else document


def keep_file(
    payload: Export,
    document: Document,
    content: bytes,
    *,
    ending: str,
    content_type: str,
    connection: psycopg.Connection[Any],
    context: Context,
) -> Blob:
    """Store the file in the job's transaction.

    Raises:
        PermanentError: it is too large.
    """
    if len(content) > MOST_BYTES:
        raise PermanentError(f"the file has {len(content):,} bytes, more than the {MOST_BYTES:,} allowed")
    name = payload.output.key if payload.output else file_name(payload, document, ending)
    return store(connection, context, name, content, content_type)


def file_name(payload: Export, document: Document, ending: str) -> str:
    """A name that people recognise, and that no other content or look has."""
    look = msgspec.structs.replace(payload, source=DocumentSource(document=document))
    content = msgspec.json.encode([_VERSION, look], order="deterministic")
    words = re.sub("[^a-z0-9]+", "-", document.title.lower()).strip("-")[:60] or "document"
    return f"{words}-{hashlib.sha256(content).hexdigest()[:16]}.{ending}"


def _result(source: DocumentSource, connection: psycopg.Connection[Any]) -> Any:
    """The result of the source as JSON values."""
    if source.model_run_id is not None:
        kept = kept_result(connection, int(source.model_run_id))
        if kept is None:
            raise PermanentError(f'source.modelRunId {source.model_run_id} is not in the table "modelRuns"')
        return msgspec.json.decode(kept)
    assert source.job_id is not None, "a source that is no run and no document is a job"
    return _job_result(int(source.job_id), connection)


def _job_result(job_id: int, connection: psycopg.Connection[Any]) -> Any:
    job = get(job_id, on=connection)
    if job is None:
        raise PermanentError(f"source.jobId {job_id} is not in the table jobs")
    if job.type != "model_run":
        raise PermanentError(f"source.jobId {job_id} is of type {job.type}; give a job of type model_run")
    if not job.has_ended:
        raise Snooze(_PATIENCE_SECONDS)
    if job.result is None:
        raise PermanentError(f"source.jobId {job_id} is {job.status} and has no result; requeue it first")
    return job.result


class _Reference(msgspec.Struct):
    """The part of a result that is only there if the result itself is in a file."""

    key: str | None = None


def _run_result(result: Any, connection: psycopg.Connection[Any], context: Context) -> RunResult:
    try:
        if (key := msgspec.convert(result, _Reference).key) is not None:
            return msgspec.json.decode(_stored(key, connection, context), type=RunResult)
        return msgspec.convert(result, RunResult)
    except msgspec.MsgspecError as error:
        raise PermanentError(f"the source is no result of a model_run: {error}") from error


def _stored(key: str, connection: psycopg.Connection[Any], context: Context) -> bytes:
    """The file of a model run: in `blobs`, else in the bucket."""
    if blob_size(connection, key) is not None:
        with open_source(Source(blob=key), connection, _MOST_RESULT_BYTES) as file:
            return file.read()
    bucket = FileSettings.read().s3_bucket_name
    if bucket is None:
        raise PermanentError(
            f"the source's result is the file {key!r}, which is not in the table blobs; "
            "set S3_BUCKET_NAME to the bucket it is in"
        )
    with (
        no_transaction(connection),
        fetched(Source(s3=S3Object(bucket, key)), _MOST_RESULT_BYTES, context) as fetched_file,
        open_source(fetched_file, connection, _MOST_RESULT_BYTES) as file,
    ):
        return file.read()
