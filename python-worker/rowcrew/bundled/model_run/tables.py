"""The table of kept runs as SQLAlchemy declares it: for queries from Python, and for `alembic check`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

model_runs = Table(
    "modelRuns",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("jobId", BigInteger, nullable=False),
    Column("createdAt", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("engineVersion", Integer, nullable=False),
    Column("modelId", Text, nullable=False),
    Column("inputsHash", Text, nullable=False),
    Column("result", JSONB, nullable=False),
    UniqueConstraint("modelId", "inputsHash", "engineVersion", name="modelRuns_inputs"),
    CheckConstraint('length("modelId") BETWEEN 1 AND 200', name="modelRuns_model_length"),
    CheckConstraint('length("inputsHash") = 64', name="modelRuns_hash_length"),
)
