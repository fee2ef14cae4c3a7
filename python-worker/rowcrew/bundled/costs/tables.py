"""The tables of cloud costs as SQLAlchemy declares them: for queries from Python, and for `alembic check`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

cloud_accounts = Table(
    "cloudAccounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("provider", Text, nullable=False, server_default="aws"),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("keyId", Text),
    Column("credentials", LargeBinary),
    Column("roleArn", Text),
    Column("externalId", Text),
    Column("createdAt", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("collectedAt", DateTime(timezone=True)),
    Column("problem", Text),
    CheckConstraint(
        "id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$' AND length(id) <= 100", name="cloudAccounts_id_form"
    ),
    CheckConstraint("provider = 'aws'", name="cloudAccounts_provider_known"),
    CheckConstraint('("keyId" IS NULL) = (credentials IS NULL)', name="cloudAccounts_key_with_credentials"),
    CheckConstraint('credentials IS NOT NULL OR "roleArn" IS NOT NULL', name="cloudAccounts_way_in"),
)

costs = Table(
    "costs",
    metadata,
    Column("accountId", Text, ForeignKey("cloudAccounts.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("service", Text, nullable=False),
    Column("amount", Numeric, nullable=False),
    Column("currency", Text, nullable=False),
    Column("estimated", Boolean, nullable=False),
    Column("updatedAt", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("accountId", "day", "service", name="costs_pkey"),
    CheckConstraint("abs(amount) < 1e15", name="costs_amount_is_a_number"),
    CheckConstraint("length(service) BETWEEN 1 AND 1000", name="costs_service_length"),
)

cost_anomalies = Table(
    "costAnomalies",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("accountId", Text, ForeignKey("cloudAccounts.id"), nullable=False),
    Column("service", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("amount", Numeric, nullable=False),
    Column("baseline", Numeric, nullable=False),
    Column("currency", Text, nullable=False),
    Column("deviationPercent", Numeric, nullable=False),
    Column("severity", Text, nullable=False),
    Column("why", JSONB, nullable=False),
    Column("createdAt", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Column("clearedAt", DateTime(timezone=True)),
    UniqueConstraint("accountId", "service", "day", name="costAnomalies_once"),
    CheckConstraint("severity IN ('low', 'medium', 'high', 'critical')", name="costAnomalies_severity_known"),
)
