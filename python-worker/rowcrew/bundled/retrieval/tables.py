"""The tables of retrieval as SQLAlchemy declares them: for queries from Python, and for `alembic check`."""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

metadata = MetaData()

documents = Table(
    "documents",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("projectId", Text, nullable=False),
    Column("contentSha256", Text, nullable=False),
    Column("name", Text),
    Column("fileType", Text, nullable=False),
    Column("chunkSize", Integer, nullable=False),
    Column("chunkOverlap", Integer, nullable=False),
    Column("embedder", Text, nullable=False),
    Column("dimensions", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("createdAt", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("updatedAt", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    UniqueConstraint("projectId", "contentSha256", name="documents_once"),
    CheckConstraint('length("projectId") BETWEEN 1 AND 200', name="documents_project_length"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("documentId", BigInteger, ForeignKey("documents.id", ondelete="CASCADE"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("content", Text, nullable=False),
    Column("overlap", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("embedding", ARRAY(REAL), nullable=False),
    Column("words", TSVECTOR, Computed("to_tsvector('english', content)", persisted=True)),
    UniqueConstraint("documentId", "place", name="chunks_once"),
    Index("chunks_words", "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
)

batch_files = Table(
    "batchFiles",
    metadata,
    Column("jobId", BigInteger, primary_key=True, autoincrement=False),
    Column("batchId", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    Column("stopsWithFirst", Boolean, nullable=False),
    Column("begun", Boolean, nullable=False, server_default=text("false")),
    Column("searchable", Boolean, nullable=False, server_default=text("false")),
    Column("createdAt", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    UniqueConstraint("batchId", "place", name="batch_files_once"),
)
