"""What models gave for their inputs, so that no run is computed twice."""

from __future__ import annotations

from alembic import op

revision = "model_run_0001"
down_revision = None
branch_labels = ("model_run",)
depends_on = None

MODEL_RUNS = """
    CREATE TABLE "modelRuns" (
        id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        "jobId"         bigint NOT NULL,
        "createdAt"     timestamptz NOT NULL DEFAULT now(),
        "engineVersion" integer NOT NULL,
        "modelId"       text NOT NULL,
        "inputsHash"    text NOT NULL,
        result          jsonb NOT NULL,
        CONSTRAINT "modelRuns_inputs" UNIQUE ("modelId", "inputsHash", "engineVersion"),
        CONSTRAINT "modelRuns_model_length" CHECK (length("modelId") BETWEEN 1 AND 200),
        CONSTRAINT "modelRuns_hash_length" CHECK (length("inputsHash") = 64)
    )
"""


def upgrade() -> None:
    op.execute(MODEL_RUNS)


def downgrade() -> None:
    op.execute('DROP TABLE "modelRuns"')
