"""The table of stored files as SQLAlchemy declares it: for queries from Python, and for `alembic check`."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    Text,
    event,
    text,
)

metadata = MetaData()

blobs = Table(
    "blobs",
    metadata,
    Column("key", Text, primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("contentType", Text),
    Column("size", BigInteger, nullable=False),
    Column("createdAt", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    CheckConstraint("length(key) BETWEEN 1 AND 1024", name="blobs_key_length"),
    CheckConstraint("length(sha256) = 32", name="blobs_sha256_length"),
    CheckConstraint("size = length(bytes)", name="blobs_size_is_true"),
)
_as_they_are = DDL("ALTER TABLE blobs ALTER COLUMN bytes SET STORAGE EXTERNAL")  # type: ignore[no-untyped-call]
event.listen(blobs, "after_create", _as_they_are)
