"""The payloads of the family: a file with how it is cut and what embeds it, and a batch of such files.

In: JSON. Out: frozen values, checked. Called by the handlers.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from rowcrew.bundled.files.sources import Source
from rowcrew.bundled.retrieval.file_types import FileType

EmbedderName = Literal["hash", "openai-compatible"]
DEFAULT_PROJECT: Final = "default"
LARGEST_CHUNK: Final = 2_048
MOST_FILES: Final = 1_000


class FileProcessing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Which file, how it is cut, and what embeds it.

    Attributes:
        source: where the file is.
        file_path: a file under ROWCREW_DATA_DIR, in place of `source`.
        project_id: whose documents it belongs to; a search can keep to one project.
        file_type: `auto` looks at the file, then at its name.
        chunk_size, chunk_overlap: in tokens, which are words and signs; the overlap is at most half the size.
        embedder: `hash` needs no network; `openai-compatible` asks the server of EMBEDDINGS_URL.
    """

    source: Source | None = None
    file_path: Annotated[str, Meta(min_length=1)] | None = msgspec.field(name="file_path", default=None)
    project_id: Annotated[str, Meta(min_length=1, max_length=200)] = DEFAULT_PROJECT
    file_type: Literal["auto"] | FileType = "auto"
    chunk_size: Annotated[int, Meta(ge=8, le=LARGEST_CHUNK)] = 512
    chunk_overlap: Annotated[int, Meta(ge=0)] = 50
    embedder: EmbedderName = "hash"

    def __post_init__(self) -> None:
        if (self.source is None) == (self.file_path is None):
            raise ValueError("give exactly one of source, file_path")
        if self.chunk_overlap > self.chunk_size // 2:
            raise ValueError(f"chunkOverlap must be at most half of chunkSize, {self.chunk_size // 2}")
        if "\0" in self.project_id:
            raise ValueError("projectId has a NUL character")

    @property
    def file(self) -> Source:
        """Where the file is, whichever key says it."""
        return Source(path=self.file_path) if self.source is None else self.source


class BatchProcessing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The files of a batch, and how they are gone about.

    Attributes:
        files: each as `file_processing` takes it.
        concurrency: how many of them are ready or run at once.
        on_child_failure: `continue` with the others, or `cancel` those that have not begun.
    """

    files: Annotated[tuple[FileProcessing, ...], Meta(min_length=1, max_length=MOST_FILES)]
    concurrency: Annotated[int, Meta(ge=1, le=MOST_FILES)] = 5
    on_child_failure: Literal["continue", "cancel"] = "continue"
