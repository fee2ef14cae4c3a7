"""Cloud accounts, what their services cost by day, and the days that stand out."""

from __future__ import annotations

from alembic import op

revision = "costs_0001"
down_revision = None
branch_labels = ("costs",)
depends_on = None

CLOUD_ACCOUNTS = """
    CREATE TABLE "cloudAccounts" (
        id            text PRIMARY KEY,
        provider      text NOT NULL DEFAULT 'aws',
        active        boolean NOT NULL DEFAULT true,
        "keyId"       text,
        credentials   bytea,
        "roleArn"     text,
        "externalId"  text,
        "createdAt"   timestamptz NOT NULL DEFAULT now(),
        "collectedAt" timestamptz,
        problem       text,
        CONSTRAINT "cloudAccounts_id_form" CHECK (id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$' AND length(id) <= 100),
        CONSTRAINT "cloudAccounts_provider_known" CHECK (provider = 'aws'),
        CONSTRAINT "cloudAccounts_key_with_credentials" CHECK (("keyId" IS NULL) = (credentials IS NULL)),
        CONSTRAINT "cloudAccounts_way_in" CHECK (credentials IS NOT NULL OR "roleArn" IS NOT NULL)
    )
"""
# Numbers as AWS has them, which are exact and tell fractions of a cent.
COSTS = """
    CREATE TABLE costs (
        "accountId" text NOT NULL REFERENCES "cloudAccounts",
        day         date NOT NULL,
        service     text NOT NULL,
        amount      numeric NOT NULL,
        currency    text NOT NULL,
        estimated   boolean NOT NULL,
        "updatedAt" timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT costs_pkey PRIMARY KEY ("accountId", day, service),
        CONSTRAINT costs_amount_is_a_number CHECK (abs(amount) < 1e15),
        CONSTRAINT costs_service_length CHECK (length(service) BETWEEN 1 AND 1000)
    )
"""
COST_ANOMALIES = """
    CREATE TABLE "costAnomalies" (
        id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        "accountId"        text NOT NULL REFERENCES "cloudAccounts",
        service            text NOT NULL,
        day                date NOT NULL,
        amount             numeric NOT NULL,
        baseline           numeric NOT NULL,
        currency           text NOT NULL,
        "deviationPercent" numeric NOT NULL,
        severity           text NOT NULL,
        why                jsonb NOT NULL,
        "createdAt"        timestamptz NOT NULL DEFAULT now(),
        "clearedAt"        timestamptz,
        CONSTRAINT "costAnomalies_once" UNIQUE ("accountId", service, day),
        CONSTRAINT "costAnomalies_severity_known" CHECK (severity IN ('low', 'medium', 'high', 'critical'))
    )
"""


def upgrade() -> None:
    op.execute(CLOUD_ACCOUNTS)
    op.execute(COSTS)
    op.execute(COST_ANOMALIES)


def downgrade() -> None:
    op.execute('DROP TABLE "costAnomalies"')
    op.execute("DROP TABLE costs")
    op.execute('DROP TABLE "cloudAccounts"')
