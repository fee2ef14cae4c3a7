"""The type `file_processing`: a file becomes chunks of text with embeddings, ready to be searched.

In: the payload of a job. Out: the document's id and how much it holds. The file is fetched, cut and embedded
outside any transaction, because that takes minutes; then document and chunks come in with the job's
completion, all or none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

import msgspec

from rowcrew import no_transaction
from rowcrew.bundled.files.sources import Source, fetched, open_source
from rowcrew.bundled.retrieval.batches import begin_file, finish_file
from rowcrew.bundled.retrieval.chunking import Chunk, chunks_of
from rowcrew.bundled.retrieval.embedding import Embedder, Vector, embedder_of
from rowcrew.bundled.retrieval.file_types import file_type_of
from rowcrew.bundled.retrieval.kept import Connection, KeptDocument, Making, keep, unchanged
from rowcrew.bundled.retrieval.payload import FileProcessing
from rowcrew.bundled.retrieval.reading import text_of_file
from rowcrew.context import Cancel, Context, PermanentError
from rowcrew.crew import Crew
from rowcrew.model_server import pause_of

MOST_BYTES: Final = 50 * 10**6
MOST_CHUNKS: Final = 20_000
BATCH: Final = 32
_STEPS: Final = 5
crew = Crew()


class FileResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The result; `skipped_unchanged` = the document was there already, cut and embedded in the same way."""

    document_id: int
    chunks: int
    tokens: int
    embedder: str
    dimensions: int
    skipped_unchanged: bool


# A process of its own: a PDF may take much time and memory, and what takes too much can be killed alone.
@crew.job("file_processing", executor="process")
def file_processing(payload: FileProcessing, context: Context) -> FileResult:
    """Make a file searchable: fetch, cut, embed, store."""
    context.progress(1, _STEPS, "Retrieving file…")
    with context.transaction() as connection:
        if (failed := begin_file(connection, context.job.id)) is not None:
            raise Cancel(f"job {failed}, a file of the same batch, failed")
        content = _content(payload.file, context, connection)
        result = _processed(content, payload, context, connection)
        finish_file(connection, context.job.id)
    context.progress(_STEPS, _STEPS, "File processing completed")
    return result


def _content(source: Source, context: Context, connection: Connection) -> bytes:
    with ExitStack() as open_until_read:
        with no_transaction(connection):
            file_or_source = open_until_read.enter_context(fetched(source, MOST_BYTES, context))
        return open_until_read.enter_context(open_source(file_or_source, connection, MOST_BYTES)).read()


def _processed(
    content: bytes, payload: FileProcessing, context: Context, connection: Connection
) -> FileResult:
    name = name_of(payload.file)
    type = file_type_of(content, name) if payload.file_type == "auto" else payload.file_type
    embedder = embedder_of(payload.embedder, pause_of(context))
    making = Making(
        project=payload.project_id,
        sha256=hashlib.sha256(content).hexdigest(),
        file_type=type,
        chunk_size=payload.chunk_size,
        chunk_overlap=payload.chunk_overlap,
        embedder=embedder.name,
    )
    document = unchanged(connection, making)
    if document is not None:
        return _result(document, embedder, skipped=True)
    with no_transaction(connection):
        context.progress(2, _STEPS, "Preparing document…")
        text = text_of_file(content, type, context.stop_if_cancelled)
        chunks = _cut(text, payload)
        vectors = _embedded(chunks, embedder, context)
    return _result(keep(connection, making, name or None, chunks, vectors), embedder, skipped=False)


def _cut(text: str, payload: FileProcessing) -> list[Chunk]:
    chunks = list(islice(chunks_of(text, payload.chunk_size, payload.chunk_overlap), MOST_CHUNKS + 1))
    if len(chunks) > MOST_CHUNKS:
        raise PermanentError(f"the file gives more than {MOST_CHUNKS:,} chunks; give a larger chunkSize")
    return chunks


def _embedded(chunks: Sequence[Chunk], embedder: Embedder, context: Context) -> list[Vector]:
    vectors: list[Vector] = []
    for begin in range(0, len(chunks), BATCH):
        tick = 3 if begin < len(chunks) / 2 else 4
        context.progress(tick, _STEPS, "Generating embeddings and storing chunks…")
        vectors += embedder.embed([chunk.content for chunk in chunks[begin : begin + BATCH]])
    context.progress(4, _STEPS, "Generating embeddings and storing chunks…")
    if len({len(vector) for vector in vectors}) > 1:
        raise PermanentError(f"{embedder.name} answers vectors of different dimensions")
    return vectors


def name_of(source: Source) -> str:
    """What a source is called, without what a URL may keep to itself; an inline one has no name."""
    if source.s3 is not None:
        return f"s3://{source.s3.bucket}/{source.s3.key}"
    if source.url is not None:
        parts = urlsplit(source.url)
        return f"{parts.scheme}://{parts.hostname}{parts.path}"
    return source.path or source.blob or ""


def _result(document: KeptDocument, embedder: Embedder, *, skipped: bool) -> FileResult:
    return FileResult(
        document_id=document.id,
        chunks=document.chunks,
        tokens=document.tokens,
        embedder=embedder.name,
        dimensions=document.dimensions,
        skipped_unchanged=skipped,
    )
