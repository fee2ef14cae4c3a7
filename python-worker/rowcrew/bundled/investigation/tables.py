"""The table of investigations as SQLAlchemy declares it: for queries from Python, and for `alembic check`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Identity,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

investigation_steps = Table(
    "investigationSteps",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("jobId", BigInteger, nullable=False),
    Column("step", Integer, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("requestId", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("timesAsked", Integer, nullable=False, server_default=text("1")),
    Column("vendorId", Text),
    Column("turn", JSONB),
    Column("inputTokens", Integer),
    Column("outputTokens", Integer),
    Column("costUsd", Numeric),
    Column("results", JSONB),
    Column("seconds", Double, nullable=False, server_default=text("0")),
    Column("createdAt", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("updatedAt", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    UniqueConstraint("jobId", "step", name="investigationSteps_once"),
    CheckConstraint(
        'num_nonnulls(turn, "inputTokens", "outputTokens", "costUsd") IN (0, 4)',
        name="investigationSteps_answered",
    ),
)
