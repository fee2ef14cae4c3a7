"""The embedder `openai-compatible`: asks a server that speaks OpenAI's wire format for embeddings.

In: texts. Out: vectors, as many and in the order of the texts: an answer that is anything else is refused.
What a later attempt may get past (no connection, 429, 5xx) is tried five times; what it cannot is a permanent
error. No error holds what the server wrote in words, because servers repeat keys and texts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import urllib3
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from rowcrew import RowcrewError
from rowcrew.bundled.retrieval.embedding.vector import Pause, Vector, of_length_one
from rowcrew.bundled.retrieval.settings import RetrievalSettings
from rowcrew.context import PermanentError

ATTEMPTS: Final = 5
LONGEST_PAUSE_SECONDS: Final = 30.0
_TIMEOUT: Final = urllib3.Timeout(connect=10, read=60)
_RETRYABLE: Final = (408, 409, 425, 429)
_NEVER: Final = ("insufficient_quota", "billing_hard_limit_reached")  # told with a 429 that no wait helps


class EmbeddingFailed(RowcrewError):
    """The server did not embed; a later attempt may succeed. `after` = seconds that it asks to wait."""

    def __init__(self, told: str, after: float = 0) -> None:
        super().__init__(told)
        self.after = after


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
        self._url = url.rstrip("/") + "/embeddings"
        self._wanted: dict[str, Any] = {"model": model, "encoding_format": "float"}
        if dimensions:
            self._wanted["dimensions"] = dimensions
        self._headers = {"Content-Type": "application/json", "User-Agent": "rowcrew"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._dimensions = dimensions
        self._pool = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)
        self._retrying = Retrying(
            retry=retry_if_exception_type(EmbeddingFailed),
            wait=_wait,
            stop=stop_after_attempt(ATTEMPTS),
            sleep=pause,
            reraise=True,
        )

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Embed texts, at most as many as the server takes at once.

        Raises:
            PermanentError: it refuses, or answers what makes no sense.
            EmbeddingFailed: it could not be reached, or had no time, several times.
        """
        return self._retrying(self._ask, list(texts))

    def _ask(self, texts: list[str]) -> list[Vector]:
        body = msgspec.json.encode(self._wanted | {"input": texts})
        try:
            # A redirect is not followed: it would take the key to where the settings do not point.
            answer = self._pool.request("POST", self._url, body=body, headers=self._headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise EmbeddingFailed(f"the server of EMBEDDINGS_URL: {type(error).__name__}") from error
        if answer.status != 200:
            raise _refusal(answer)
        return self._vectors(answer.data, len(texts))

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


def _refusal(answer: urllib3.BaseHTTPResponse) -> RowcrewError:
    code = _code(answer.data)
    told = f"the server of EMBEDDINGS_URL answers {answer.status}" + (f" ({code})" if code else "")
    if code not in _NEVER and (answer.status in _RETRYABLE or answer.status >= 500):
        return EmbeddingFailed(told, _seconds(answer.headers.get("Retry-After", "")))
    return PermanentError(told)


def _code(data: bytes) -> str:
    """The code of an error, a word such as `invalid_api_key`, if the answer has one."""
    try:
        error = msgspec.json.decode(data, type=dict[str, Any]).get("error")
    except msgspec.MsgspecError:
        return ""
    code = error.get("code") if isinstance(error, dict) else None
    is_word = isinstance(code, str) and len(code) <= 60 and code.replace("_", "").isalnum() and code.isascii()
    return str(code) if is_word else ""


def _seconds(retry_after: str) -> float:
    """What a server asks to wait. Also a date may stand there, or nonsense: then we choose."""
    try:
        seconds = float(retry_after)
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < math.inf else 0.0


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, EmbeddingFailed) else 0.0
    return min(LONGEST_PAUSE_SECONDS, max(asked, math.ldexp(0.5, state.attempt_number - 1)))
