"""The embedder `openai-compatible`: asks a server that speaks OpenAI's wire format for embeddings.

In: texts. Out: vectors, as many and in the order of the texts: an answer that is anything else is refused.
Called by `file_processing` and by searches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from rowcrew.bundled.retrieval.embedding.vector import Pause, Vector, of_length_one
from rowcrew.bundled.retrieval.settings import RetrievalSettings
from rowcrew.context import PermanentError
from rowcrew.model_server import ModelServer


class _Embedding(msgspec.Struct, frozen=True):
    """One vector of an answer, and the place of its text in the question."""

    index: int
    embedding: list[float]


class _Answer(msgspec.Struct, frozen=True):
    """What a server answers; the rest of it is not read."""

    data: list[_Embedding]


class ServedEmbedder:
    """An embedder that asks a server; its name has the model and, if they are asked for, the dimensions."""

    def __init__(
        self, *, url: str, model: str, key: str | None, dimensions: int | None, pause: Pause
    ) -> None:
        self.name = ":".join(("openai-compatible", model, *([str(dimensions)] if dimensions else [])))
        self._server = ModelServer(url=url, key=key, setting="EMBEDDINGS_URL", pause=pause)
        self._wanted: dict[str, Any] = {"model": model, "encoding_format": "float"}
        if dimensions:
            self._wanted["dimensions"] = dimensions
        self._dimensions = dimensions

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Embed texts, at most as many as the server takes at once.

        Raises:
            PermanentError: it refuses, or answers what makes no sense.
            ServerFailed: it could not be reached, or had no time, several times.
        """
        answer = self._server.post("/embeddings", self._wanted | {"input": list(texts)})
        return self._vectors(answer, len(texts))

    def _vectors(self, data: bytes, count: int) -> list[Vector]:
        try:
            answer = msgspec.json.decode(data, type=_Answer)
            found = sorted(answer.data, key=lambda one: one.index)
            vectors = [of_length_one(one.embedding) for one in found]
        except (msgspec.MsgspecError, ValueError, OverflowError) as error:
            raise PermanentError(f"the server of EMBEDDINGS_URL answers no embeddings: {error}") from error
        if [one.index for one in found] != list(range(count)):
            raise PermanentError(f"the server of EMBEDDINGS_URL answers no vector for each of {count} texts")
        lengths = {len(vector) for vector in vectors} | ({self._dimensions} if self._dimensions else set())
        if len(lengths) > 1:
            raise PermanentError(f"the server of EMBEDDINGS_URL answers {sorted(lengths)} dimensions at once")
        return vectors


def served_embedder(pause: Pause) -> ServedEmbedder:
    """The embedder that the settings lead to.

    Raises:
        PermanentError: they lead to none.
    """
    settings = RetrievalSettings.read()
    if settings.embeddings_url is None or settings.embeddings_model is None:
        raise PermanentError(
            "the embedder openai-compatible needs EMBEDDINGS_URL and EMBEDDINGS_MODEL, and they are not set"
        )
    return ServedEmbedder(
        url=settings.embeddings_url,
        model=settings.embeddings_model,
        key=settings.embeddings_api_key,
        dimensions=settings.embeddings_dimensions,
        pause=pause,
    )
