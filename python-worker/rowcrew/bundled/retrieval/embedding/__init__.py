"""What turns text into vectors: the built-in embedder, or a server.

In: the name that a payload or a document has. Out: an `Embedder`, whose vectors have length one, so that
their product is the cosine of their angle. Called by the handler of `file_processing` and by the search.
"""

from __future__ import annotations

from rowcrew.bundled.retrieval.embedding.vector import Embedder, Pause, Vector
from rowcrew.context import PermanentError

__all__ = ["Embedder", "Pause", "Vector", "embedder_of"]


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
