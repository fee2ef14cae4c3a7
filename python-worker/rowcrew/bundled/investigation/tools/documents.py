"""The tools that search and read documents: semantic_search, literal_search, read_document.

In: arguments of a model. Out: passages of one project's documents; to the tools there are no others.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from rowcrew.bundled.investigation.tools.passages import Passage, around, whole
from rowcrew.bundled.investigation.tools.tool import Arguments, CannotAnswer, Connection
from rowcrew.bundled.retrieval.library import Library, LibraryChunk
from rowcrew.bundled.retrieval.searching import search

_MOST_FOUND: Final = 8
_MOST_READ: Final = 20
_LEAST_LETTERS: Final = 4

Words = Annotated[str, Meta(min_length=1, max_length=1_000)]
Limit = Annotated[int, Meta(ge=1, le=_MOST_FOUND)]
Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class SearchArguments(Arguments, frozen=True, kw_only=True):
    """A question, or words."""

    query: Words
    limit: Limit = 4


class LiteralArguments(Arguments, frozen=True, kw_only=True):
    """A text to be found as it stands."""

    text: Words
    limit: Limit = 4


class ReadArguments(Arguments, frozen=True, kw_only=True):
    """A document, and the chunk to begin at."""

    document_id: Id
    place: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 1


class SemanticSearch:
    """Finds chunks by meaning and by words."""

    name: ClassVar = "semantic_search"
    description: ClassVar = "Find the chunks of documents that answer a question best."
    arguments: ClassVar[type[Arguments]] = SearchArguments

    def __init__(self, connection: Connection, project: str) -> None:
        self._connection = connection
        self._project = project

    def use(self, arguments: SearchArguments) -> list[Passage]:
        if not arguments.query.strip():
            raise CannotAnswer("query has no words")
        found = search(self._connection, arguments.query, project=self._project, limit=arguments.limit)
        rows = [
            LibraryChunk(each.chunk_id, each.document_id, each.name, each.place, each.content)
            for each in found
        ]
        words = [word for word in re.findall(r"\w+", arguments.query) if len(word) >= _LEAST_LETTERS]
        return around(rows, words)


class LiteralSearch:
    """Finds chunks that hold a text."""

    name: ClassVar = "literal_search"
    description: ClassVar = "Find the chunks of documents that hold a text as given; case does not count."
    arguments: ClassVar[type[Arguments]] = LiteralArguments

    def __init__(self, library: Library) -> None:
        self._library = library

    def use(self, arguments: LiteralArguments) -> list[Passage]:
        return around(self._library.chunks_holding(arguments.text, arguments.limit), [arguments.text])


class ReadDocument:
    """Reads a document from one of its chunks on."""

    name: ClassVar = "read_document"
    description: ClassVar = "Read a document from one of its chunks on; what does not fit is left out."
    arguments: ClassVar[type[Arguments]] = ReadArguments

    def __init__(self, library: Library) -> None:
        self._library = library

    def use(self, arguments: ReadArguments) -> list[Passage]:
        rows = self._library.chunks_from(arguments.document_id, arguments.place, _MOST_READ)
        if not rows:
            raise CannotAnswer(f"there is no document {arguments.document_id} with a chunk {arguments.place}")
        return whole(rows)
