"""The steps of investigations: what a model was asked and said, and what its calls gave."""

from __future__ import annotations

from alembic import op

revision = "investigation_0001"
down_revision = None
branch_labels = ("investigation",)
depends_on = None

STEPS = """
    CREATE TABLE "investigationSteps" (
        id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        "jobId"        bigint NOT NULL,
        step           integer NOT NULL,
        provider       text NOT NULL,
        model          text NOT NULL,
        "requestId"    uuid NOT NULL DEFAULT gen_random_uuid(),
        "timesAsked"   integer NOT NULL DEFAULT 1,
        "vendorId"     text,
        turn           jsonb,
        "inputTokens"  integer,
        "outputTokens" integer,
        "costUsd"      numeric,
        results        jsonb,
        seconds        double precision NOT NULL DEFAULT 0,
        "createdAt"    timestamptz NOT NULL DEFAULT now(),
        "updatedAt"    timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT "investigationSteps_once" UNIQUE ("jobId", step),
        CONSTRAINT "investigationSteps_answered"
            CHECK (num_nonnulls(turn, "inputTokens", "outputTokens", "costUsd") IN (0, 4))
    )
"""


def upgrade() -> None:
    op.execute(STEPS)


def downgrade() -> None:
    op.execute('DROP TABLE "investigationSteps"')
