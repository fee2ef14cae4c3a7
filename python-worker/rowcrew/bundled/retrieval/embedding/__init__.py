"""What turns text into vectors: the built-in embedder, or a server.

In: the name that a payload or a document has. Out: an `Embedder`, whose vectors have length one, so that
their product is the cosine of their angle. Called by the handler of `file_processing` and by the search.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from rowcrew.context import PermanentError

Vector: TypeAlias = "array[float]"
Pause = Callable[[float], None]


class Embedder(Protocol):
    """Turns texts into vectors, the same text always into the same one.

    Attributes:
        name: says all that the vectors depend on; only vectors of one name can be compared.
    """

    name: str

    def embed(self, texts: Sequence[str]) -> list[Vector]: ...


def embedder_of(name: str, pause: Pause) -> Embedder:
    """The embedder that a payload names, or that a document was embedded by.

    `pause` waits for so many seconds, when a server is asked again; it may raise to end that.

    Raises:
        PermanentError: it needs settings that are not there, or is another than these settings lead to.
    """
    if name == "hash":
        from rowcrew.bundled.retrieval.embedding.hashing import HashEmbedder

        return HashEmbedder()
    from rowcrew.bundled.retrieval.embedding.served import served_embedder

    embedder = served_embedder(pause)
    if name not in ("openai-compatible", embedder.name):
        raise PermanentError(
            f"documents are embedded by {name}, and the settings EMBEDDINGS_… lead to {embedder.name}"
        )
    return embedder


def of_length_one(numbers: Sequence[float]) -> Vector:
    """The vector in this direction.

    Raises:
        ValueError: it has no direction: all is zero, or something is no number.
    """
    length = math.hypot(*numbers)
    if not 0 < length < math.inf:
        raise ValueError("a vector without direction")
    return array("f", [number / length for number in numbers])
