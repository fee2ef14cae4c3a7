"""The search: chunks that are near a question in meaning, and chunks that share its words, in one order.

In: a question, and a connection whose transaction the caller ends. Out: the chunks that answer best. The
scores of each way are brought to 0 to 1, and added up (Bruch, Gai, Ingber, "An Analysis of Fusion Functions
for Hybrid Retrieval", 2023). Ranks alone would not do: to be anywhere in both orders would count for more
than to lead one by far. Called by `rowcrew search` and by programs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

import msgspec
import psycopg

from rowcrew import RowcrewError
from rowcrew.bundled.retrieval.embedding import Vector, embedder_of
from rowcrew.bundled.retrieval.statements import SQL

Connection = psycopg.Connection[Any]
Scores = Sequence[tuple[int, float]]  # of ids, best first
Way = Literal["hybrid", "meaning", "words"]

MOST_FOUND: Final = 100
LONGEST_QUESTION: Final = 10_000
_CANDIDATES: Final = 50
# The built-in embedder knows little that words do not. Chosen, like its own weights, by the questions of
# tests/retrieval about the Constitution and Alice; whatever is from 0.1 to 0.3 answers as many.
_BUILT_IN_WEIGHT: Final = 0.2


class Found(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A chunk that was found.

    Attributes:
        score: only the order counts; scores of two questions cannot be compared.
        name: what the document's source is called; None if the file came inline.
        place: of the chunk in its document, from 1.
    """

    chunk_id: int
    document_id: int
    project_id: str
    name: str | None
    place: int
    score: float
    content: str


def search(
    connection: Connection,
    question: str,
    *,
    project: str | None = None,
    limit: int = 5,
    by: Way = "hybrid",
) -> list[Found]:
    """The chunks that answer a question, best first.

    Args:
        connection: to the database that holds the documents.
        question: words, or a sentence.
        project: only its documents; None = all.
        limit: how many, at most 100.
        by: both ways, or one of them alone.

    Raises:
        RowcrewError: the question is empty or too long, or what embedded the documents cannot be had now.
        PermanentError: the settings lead to another embedder than the documents'.
    """
    if not question.strip() or len(question) > LONGEST_QUESTION or "\0" in question:
        raise RowcrewError(f"a question has 1 to {LONGEST_QUESTION:,} characters, and no NUL")
    if not 1 <= limit <= MOST_FOUND:
        raise RowcrewError(f"limit must be 1 to {MOST_FOUND}")
    weighed = [] if by == "words" else nearest(connection, question, project)
    if by != "meaning":
        weighed.append(in_unit(matching(connection, question, project), least=0))
    scores = fused(weighed, limit)
    rows = connection.execute(SQL["found"], {"ids": list(scores)}).fetchall()
    found = {row[0]: row for row in rows}
    return [_found(score, *found[id]) for id, score in scores.items() if id in found]


def nearest(connection: Connection, question: str, project: str | None) -> list[Scores]:
    """The chunks near a question in meaning: scores for each embedder of the documents."""
    rows = connection.execute(SQL["embedders"], {"project": project}).fetchall()
    weighed: list[Scores] = []
    for name, dimensions, has_pgvector in rows:
        [vector] = embedder_of(name, time.sleep).embed([question])
        if len(vector) == dimensions:
            near = nearest_to(connection, vector, name, project, has_pgvector=has_pgvector)
            weight = _BUILT_IN_WEIGHT if name == "hash" else 1.0
            weighed.append([(id, weight * score) for id, score in in_unit(near)])
    return weighed


def nearest_to(
    connection: Connection,
    vector: Vector,
    embedder: str,
    project: str | None,
    *,
    has_pgvector: bool,
    limit: int = _CANDIDATES,
) -> list[tuple[int, float]]:
    """The ids of the chunks nearest to a vector, with the cosine of the angle between them."""
    statement = SQL["nearest_by_pgvector" if has_pgvector else "nearest_by_array"]
    parameters = {"vector": vector.tolist(), "embedder": embedder, "project": project, "limit": limit}
    return connection.execute(statement, parameters).fetchall()


def matching(connection: Connection, question: str, project: str | None) -> Scores:
    """The chunks that share words with a question, and how much."""
    parameters = {"question": question, "project": project, "limit": _CANDIDATES}
    return connection.execute(SQL["matching"], parameters).fetchall()


def in_unit(scores: Scores, least: float | None = None) -> Scores:
    """Scores from 0 to 1: 1 is the best, 0 is `least`, by default the last that is here.

    No cosine is as good as none at all, so of cosines the last candidate has 0, as those behind it have.
    """
    if not scores:
        return scores
    best = scores[0][1]
    low = scores[-1][1] if least is None else least
    return [(id, (score - low) / (best - low) if best > low else 1.0) for id, score in scores]


def fused(weighed: Iterable[Scores], limit: int) -> dict[int, float]:
    """The best by the sum of their scores, best first; a tie goes to the smaller id."""
    scores: dict[int, float] = {}
    for each in weighed:
        for id, score in each:
            scores[id] = scores.get(id, 0.0) + score
    best = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
    return dict(best[:limit])


def _found(
    score: float, id: int, document: int, project: str, name: str | None, place: int, content: str
) -> Found:
    return Found(
        chunk_id=id,
        document_id=document,
        project_id=project,
        name=name,
        place=place,
        score=round(score, 6),
        content=content,
    )
