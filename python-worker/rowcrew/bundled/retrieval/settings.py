"""The settings of retrieval: the server that embeds where the built-in embedder does not."""

from __future__ import annotations

from typing import ClassVar

from rowcrew.settings import readers
from rowcrew.settings.family import FamilySettings
from rowcrew.settings.readers import Secret
from rowcrew.settings.variables import Variable


class RetrievalSettings(FamilySettings, frozen=True, kw_only=True):
    """The server of the embedder `openai-compatible`, and what it is asked for."""

    embeddings_url: str | None = None
    embeddings_model: str | None = None
    embeddings_api_key: Secret | None = None
    embeddings_dimensions: int | None = None

    variables: ClassVar[tuple[Variable, ...]] = (
        Variable(
            ("EMBEDDINGS_URL",),
            "embeddings_url",
            readers.endpoint,
            "unset",
            "where the embedder `openai-compatible` asks, such as https://api.openai.com/v1",
        ),
        Variable(
            ("EMBEDDINGS_MODEL",),
            "embeddings_model",
            readers.text,
            "unset",
            "the model that it asks for, such as text-embedding-3-small",
        ),
        Variable(
            ("EMBEDDINGS_API_KEY",),
            "embeddings_api_key",
            readers.Secret,
            "unset",
            "what it shows that server; a server of your own may need none",
            is_secret=True,
        ),
        Variable(
            ("EMBEDDINGS_DIMENSIONS",),
            "embeddings_dimensions",
            readers.count,
            "the model's",
            "how many dimensions it asks for, of models that can shorten",
        ),
    )

    def disagreement(self) -> str | None:
        if (self.embeddings_url is None) == (self.embeddings_model is None):
            return None
        return "EMBEDDINGS_URL, EMBEDDINGS_MODEL: only one of them is set; give both or neither"
