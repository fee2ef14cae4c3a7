"""The tables `documents` and `chunks`: what is known of a file, and how it takes the place of what was.

In: a psycopg connection, whose transaction the caller ends. Out: ids and counts. Called by `file_processing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from rowcrew.bundled.retrieval.chunking import Chunk
from rowcrew.bundled.retrieval.embedding import Vector
from rowcrew.bundled.retrieval.statements import SQL

Connection = psycopg.Connection[Any]


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """All that the chunks of a file depend on, and the project that they are of."""

    project: str
    sha256: str
    file_type: str
    chunk_size: int
    chunk_overlap: int
    embedder: str


class KeptDocument(msgspec.Struct, frozen=True):
    """A document that is in the table already, and its counts."""

    id: int
    tokens: int
    dimensions: int
    chunks: int


def unchanged(connection: Connection, making: Making) -> KeptDocument | None:
    """The document that this making would give again, if it is kept."""
    row = connection.execute(SQL["unchanged"], msgspec.structs.asdict(making)).fetchone()
    return None if row is None else KeptDocument(*row)


def keep(
    connection: Connection,
    making: Making,
    name: str | None,
    chunks: Sequence[Chunk],
    vectors: Sequence[Vector],
) -> KeptDocument:
    """Keep a document and its chunks, in place of the one of the same content."""
    tokens = sum(chunk.tokens for chunk in chunks)
    dimensions = len(vectors[0]) if vectors else 0
    facts = {**msgspec.structs.asdict(making), "name": name, "dimensions": dimensions, "tokens": tokens}
    ((id,),) = connection.execute(SQL["keep_document"], facts)
    connection.execute(SQL["drop_chunks"], {"document_id": id})
    with connection.cursor() as cursor, cursor.copy(SQL["keep_chunks"]) as copy:
        for place, (chunk, vector) in enumerate(zip(chunks, vectors, strict=True), start=1):
            row = (id, place, chunk.content, chunk.overlap, chunk.tokens, vector.tolist())
            copy.write_row(row)
    return KeptDocument(id, tokens, dimensions, len(chunks))
