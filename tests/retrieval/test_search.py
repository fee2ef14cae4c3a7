"""What the search finds: as much as its halves, as much as BM25, and the same with pgvector as without."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psycopg
import pytest
from rank_bm25 import BM25Okapi

from rowcrew.bundled.retrieval.embedding.hashing import HashEmbedder
from rowcrew.bundled.retrieval.searching import fused, in_unit, nearest_to
from rowcrew.cli import main
from rowcrew.table.migrate import migrate
from tests.retrieval.conftest import CONSTITUTION, Library
from tests.retrieval.questions_about_alice import ALICE_QUESTIONS
from tests.retrieval.questions_about_constitution import CONSTITUTION_QUESTIONS
from tests.retrieval.questions_about_holmes import HOLMES_QUESTIONS

Questions = Sequence[tuple[str, str]]
FOLDER = Path(__file__).parent
TEXTS: dict[str, tuple[bytes, Questions]] = {
    "constitution": (CONSTITUTION, CONSTITUTION_QUESTIONS),
    "alice": ((FOLDER / "alice.txt").read_bytes(), ALICE_QUESTIONS),
    "holmes": ((FOLDER / "holmes.txt").read_bytes(), HOLMES_QUESTIONS),
}

OVERLAPS = {512: 50, 256: 25, 128: 16}
# How many questions are answered, and whether BM25 and PostgreSQL's own ranking answer no more. The line of
# `holmes` with chunks of 512, the default, is the one that nothing was chosen by.
MEASURED = [
    ("constitution", 512, 32, True),
    ("constitution", 256, 32, True),
    ("constitution", 128, 31, True),
    ("alice", 512, 46, True),
    ("alice", 256, 45, True),
    ("alice", 128, 40, True),
    ("holmes", 512, 43, True),
    ("holmes", 256, 38, True),
    ("holmes", 128, 29, False),
]
PLAIN = """
    SELECT content FROM chunks
     CROSS JOIN CAST(replace(CAST(plainto_tsquery('english', %s) AS text), '&', '|') AS tsquery) AS question
     WHERE words @@ question
     ORDER BY ts_rank(words, question) DESC, id
     LIMIT 5
"""


def answered(questions: Questions, answers: Callable[[str], list[str]]) -> int:
    """How many questions have their passage in the first five chunks."""
    found = 0
    for question, passage in questions:
        texts = (" ".join(text.split()) for text in answers(question))
        found += any(passage in text for text in texts)
    return found


@pytest.mark.parametrize(("name", "size", "hits", "leads"), MEASURED)
def test_the_first_five_have_the_answer_as_often_as_the_docs_say(
    library: Library, name: str, size: int, hits: int, leads: bool
) -> None:
    text, questions = TEXTS[name]
    assert all(passage in " ".join(text.decode().split()) for _, passage in questions)
    library.process(text, chunkSize=size, chunkOverlap=OVERLAPS[size])
    texts = [text for (text,) in library.rows("SELECT content FROM chunks ORDER BY id")]
    split = [re.findall(r"\w+", text.lower()) for text in texts]
    ranking = BM25Okapi(split)
    bm25 = answered(
        questions, lambda question: ranking.get_top_n(re.findall(r"\w+", question.lower()), texts, n=5)
    )
    plain = answered(
        questions,
        lambda question: [text for (text,) in library.connection.execute(PLAIN, [question]).fetchall()],
    )
    hybrid = answered(questions, lambda question: [found.content for found in library.search(question)])
    told = f"search {hybrid}, BM25 {bm25}, ts_rank {plain}"
    print(f"{name}, {len(texts)} chunks of {size}: of {len(questions)} questions {told}")  # noqa: T201
    assert hybrid >= hits
    assert leads == (hybrid >= max(bm25, plain))


def brute_force(library: Library, question: str, limit: int) -> list[tuple[int, float]]:
    rows = library.rows("SELECT id, embedding FROM chunks ORDER BY id")
    matrix = np.array([embedding for _, embedding in rows])
    [vector] = HashEmbedder().embed([question])
    cosines = matrix @ np.array(vector) / (np.linalg.norm(matrix, axis=1) * np.linalg.norm(vector))
    order = np.argsort(-cosines, kind="stable")[:limit]
    return [(rows[place][0], float(cosines[place])) for place in order]


def nearest(library: Library, question: str, *, has_pgvector: bool) -> list[tuple[int, float]]:
    [vector] = HashEmbedder().embed([question])
    return nearest_to(library.connection, vector, "hash", None, has_pgvector=has_pgvector, limit=10)


def test_the_nearest_are_those_that_numpy_finds(library: Library) -> None:
    library.process(CONSTITUTION, chunkSize=128, chunkOverlap=16)
    for question, _ in CONSTITUTION_QUESTIONS:
        found, expected = nearest(library, question, has_pgvector=False), brute_force(library, question, 10)
        assert [id for id, _ in found] == [id for id, _ in expected]
        assert [cosine for _, cosine in found] == pytest.approx([cosine for _, cosine in expected], abs=1e-6)


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the package with pgvector has no wheel for it")
@pytest.mark.filterwarnings("ignore")
def test_with_pgvector_the_nearest_are_the_same() -> None:
    pgserver = pytest.importorskip("pgserver")
    # Under root the server runs as another user, and a directory of pytest's would not do: each session of
    # pytest that begins shuts the others' to all but its own user.
    server = pgserver.get_server(tempfile.mkdtemp(prefix="rowcrew-pgvector-"), cleanup_mode="delete")
    try:
        migrate(server.get_uri())
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION vector")
            library = Library(server.get_uri(), connection)
            library.process(CONSTITUTION, chunkSize=128, chunkOverlap=16)
            for question, _ in CONSTITUTION_QUESTIONS:
                by_array = nearest(library, question, has_pgvector=False)
                by_vector = nearest(library, question, has_pgvector=True)
                assert [id for id, _ in by_vector] == [id for id, _ in by_array]
            assert library.search("Who can declare war?")
    finally:
        server.cleanup()


def test_scores_are_added_up_and_a_tie_goes_to_the_smaller_id() -> None:
    words, meaning = [(3, 8.0), (1, 6.0), (2, 4.0)], [(1, 0.75), (3, 0.5), (9, 0.25)]
    assert fused([in_unit(words, least=0), in_unit(meaning)], 3) == {1: 1.75, 3: 1.5, 2: 0.5}
    assert fused([[(9, 1.0)], [(3, 1.0)]], 2) == {3: 1.0, 9: 1.0}
    assert in_unit([(7, 0.5)]) == [(7, 1.0)]


def test_a_search_keeps_to_its_project(library: Library) -> None:
    library.process(b"The lighthouse stands on the cliff.", projectId="a")
    library.process(b"The lighthouse has a keeper.", projectId="b")
    assert [found.project_id for found in library.search("lighthouse", project="b")] == ["b"]
    assert len(library.search("lighthouse")) == 2
    assert library.search("lighthouse", project="none") == []


def test_signs_that_mean_something_to_a_query_are_words_to_a_question(library: Library) -> None:
    library.process(b"It's a back\\slash & an ampersand's end.")
    for question in ("it's & ' | ! :* <-> \\ (", "back\\slash's", "'", "&"):
        library.search(question)


def test_the_command_shows_what_it_found(
    library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", library.url)
    assert main(["search", "lighthouse"]) == 0
    assert "Nothing was found" in capsys.readouterr().err
    library.process(b"The lighthouse stands on the cliff.", projectId="a")
    assert main(["search", "lighthouse", "--project", "a"]) == 0
    assert "The lighthouse stands on the cliff." in capsys.readouterr().out
    assert main(["search", "lighthouse", "--json"]) == 0
    assert '"chunkId":' in capsys.readouterr().out
