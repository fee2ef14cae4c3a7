"""What the queue knows of itself: counts of the runs that ended, and numbers for whoever starts workers."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0001"
branch_labels = None
depends_on = None

# Rows are written once and never changed: a chore replaces those of a past hour or day by one that adds them
# up. The key begins with the time, so that it serves every question as well; it makes writing twice harmless.
STATS = """
    CREATE TABLE job_stats (
        "endsAt"      timestamptz NOT NULL,
        seconds       integer NOT NULL,
        "workerId"    bigint NOT NULL,
        queue         text NOT NULL,
        type          text NOT NULL,
        outcome       text NOT NULL,
        count         bigint NOT NULL,
        "runSeconds"  float8 NOT NULL DEFAULT 0,
        "waitSeconds" float8 NOT NULL DEFAULT 0,
        "memoryBytes" bigint,
        "runBuckets"  smallint[] NOT NULL DEFAULT '{}',
        "runCounts"   bigint[] NOT NULL DEFAULT '{}',
        "waitBuckets" smallint[] NOT NULL DEFAULT '{}',
        "waitCounts"  bigint[] NOT NULL DEFAULT '{}',
        PRIMARY KEY ("endsAt", seconds, "workerId", queue, type, outcome),
        CONSTRAINT job_stats_span_known CHECK (seconds IN (60, 3600, 86400)),
        CONSTRAINT job_stats_outcome_known CHECK (
            outcome IN ('completed', 'retried', 'failed', 'cancelled', 'released', 'snoozed', 'lost'))
    )
"""


def upgrade() -> None:
    op.execute(STATS)
    op.execute("UPDATE rowcrew_schema SET revision = 6")


def downgrade() -> None:
    op.execute("DROP TABLE job_stats")
    op.execute("UPDATE rowcrew_schema SET revision = 1")
