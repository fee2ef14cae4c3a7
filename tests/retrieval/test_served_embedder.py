"""The embedder that asks a server, against one that speaks and refuses as OpenAI's does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rig.http_place import Reply, Request, served
from rowcrew.bundled.retrieval.embedding.hashing import HashEmbedder
from rowcrew.bundled.retrieval.embedding.served import ServedEmbedder
from rowcrew.context import PermanentError
from rowcrew.model_server import ATTEMPTS, ServerFailed
from tests.retrieval.conftest import CONSTITUTION, Library

KEY = "sk-canary-1234567890"


class Server:
    """What the server answers next, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.next: list[Reply] = []
        self.change: Callable[[list[dict[str, Any]]], Any] = lambda data: {"object": "list", "data": data}
        self.url = ""

    def answer(self, request: Request) -> Reply:
        if self.next:
            return self.next.pop(0)
        if request.path != "/v1/embeddings":
            return Reply(404, {"error": {"message": f"Invalid URL (POST {request.path})", "code": None}})
        if request.token != KEY:
            told = f"Incorrect API key: {request.token}"
            return Reply(401, {"error": {"message": told, "code": "invalid_api_key"}})
        body = request.json
        texts = body["input"]
        if (
            not 1 <= len(texts) <= 2048
            or not all(texts)
            or not set(body)
            <= {
                *("model", "input", "encoding_format", "dimensions"),
            }
        ):
            return Reply(400, {"error": {"message": f"bad: {texts}", "code": None}})
        self.asked.append(body)
        vectors = HashEmbedder().embed(texts)
        data = [
            {"object": "embedding", "index": at, "embedding": list(one)} for at, one in enumerate(vectors)
        ]
        return Reply(200, self.change(data))


@pytest.fixture
def embeddings() -> Iterator[Server]:
    told = Server()
    with served(told.answer) as address:
        told.url = f"{address}/v1/"
        yield told


def embedder(server: Server, pauses: list[float] | None = None, **other: Any) -> ServedEmbedder:
    kept = pauses if pauses is not None else []
    options = {"url": server.url, "model": "small", "key": KEY, "dimensions": None, "pause": kept.append}
    return ServedEmbedder(**options | other)


def test_vectors_come_in_the_order_of_the_texts_whatever_the_order_of_the_answer(embeddings: Server) -> None:
    embeddings.change = lambda data: {"data": data[::-1]}
    texts = ["one fish", "two birds", "three trees"]
    found, expected = embedder(embeddings).embed(texts), HashEmbedder().embed(texts)
    for vector, wanted in zip(found, expected, strict=True):
        assert list(vector) == pytest.approx(list(wanted), abs=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: {"data": data[1:]},
        lambda data: {"data": [data[0], data[0]]},
        lambda data: {"data": [{**data[0], "embedding": []}, data[1]]},
        lambda data: {"data": [{**data[0], "embedding": [0, 0]}, data[1]]},
        lambda data: {"data": [{**data[0], "embedding": [1.0]}, data[1]]},
        lambda data: {"data": [{**data[0], "embedding": "AAAA"}, data[1]]},
        lambda data: {"choices": []},
        lambda data: [],
    ],
)
def test_an_answer_that_is_not_a_vector_for_each_text_is_refused(
    embeddings: Server, change: Callable[[Any], Any]
) -> None:
    embeddings.change = change
    with pytest.raises(PermanentError, match="EMBEDDINGS_URL"):
        embedder(embeddings).embed(["a text", "another text"])


def test_what_may_pass_is_tried_again_after_the_time_that_the_server_asks_for(embeddings: Server) -> None:
    embeddings.next = [
        Reply(429, {}, {"Retry-After": "7"}),
        Reply(503, {}, {"Retry-After": "900"}),
        Reply(500, b"<html>"),
    ]
    pauses: list[float] = []
    assert len(embedder(embeddings, pauses).embed(["a text"])) == 1
    assert pauses == [7.0, 30.0, 2.0]


def test_after_five_attempts_the_run_fails_and_may_come_again(embeddings: Server) -> None:
    embeddings.next = [Reply(503, {})] * ATTEMPTS
    with pytest.raises(ServerFailed, match="503"):
        embedder(embeddings).embed(["a text"])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Reply(401, {"error": {"code": "invalid_api_key", "message": KEY}}), r"401 \(invalid_api_key\)"),
        (Reply(400, {"error": {"message": f"bad text {KEY}", "code": None}}), "400"),
        (Reply(429, {"error": {"code": "insufficient_quota"}}), r"429 \(insufficient_quota\)"),
        (Reply(302, {}, {"Location": "http://127.0.0.1:1/"}), "302"),
        (Reply(404, b"not json"), "404"),
    ],
)
def test_what_no_attempt_gets_past_ends_the_job_and_repeats_nothing_that_the_server_wrote(
    embeddings: Server, answer: Reply, told: str
) -> None:
    embeddings.next = [answer]
    with pytest.raises(PermanentError, match=told) as raised:
        embedder(embeddings).embed(["a text"])
    assert KEY not in str(raised.value)


def test_a_file_is_embedded_in_batches_of_32_and_found_by_the_same_server(
    embeddings: Server, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "EMBEDDINGS_URL" in library.refusal(b"text", embedder="openai-compatible")
    monkeypatch.setenv("EMBEDDINGS_URL", embeddings.url)
    monkeypatch.setenv("EMBEDDINGS_MODEL", "small")
    monkeypatch.setenv("EMBEDDINGS_API_KEY", KEY)
    result = library.process(CONSTITUTION, chunkSize=128, embedder="openai-compatible").result
    assert result["embedder"] == "openai-compatible:small"
    sizes = [len(body["input"]) for body in embeddings.asked]
    assert sizes[:-1] == [32] * (result["chunks"] // 32)
    assert sum(sizes) == result["chunks"]
    assert library.search("Who can declare war?")
    assert embeddings.asked[-1]["input"] == ["Who can declare war?"]
    monkeypatch.setenv("EMBEDDINGS_MODEL", "other")
    with pytest.raises(PermanentError, match="openai-compatible:small"):
        library.search("Who can declare war?")
