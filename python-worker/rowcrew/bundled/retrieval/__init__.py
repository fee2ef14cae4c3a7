"""The family `retrieval`: files become chunks with embeddings, and are searched by meaning and by words."""

from __future__ import annotations

from rowcrew.bundled.retrieval.settings import RetrievalSettings
from rowcrew.family import Extra, Family, Grant

family = Family(
    name="retrieval",
    package=__name__,
    crew="rowcrew.bundled.retrieval.handlers:crew",
    tables=("documents", "chunks", "batchFiles"),
    grants=(
        Grant("documents", "worker", ("SELECT", "INSERT", "UPDATE")),
        Grant("chunks", "worker", ("SELECT", "INSERT", "DELETE")),
        Grant("batchFiles", "worker", ("SELECT", "INSERT", "UPDATE", "DELETE")),
        Grant("documents", "reader", ("SELECT",)),
        Grant("chunks", "reader", ("SELECT",)),
        Grant("batchFiles", "reader", ("SELECT",)),
    ),
    settings=RetrievalSettings,
    extras=(Extra("pypdf", "rowcrew[retrieval]", ("file_processing",)),),
    migrations="migrations",
    metadata="rowcrew.bundled.retrieval.tables:metadata",
    uses=("files",),
)
