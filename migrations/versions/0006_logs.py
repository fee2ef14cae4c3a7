"""What handlers logged and printed, kept with their jobs: `job_logs`, a row for what came together.

Only rows are added, in the order of their ids; when a job has more than it may, the middle ones go and the
next row says how many lines went before it.
"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLE = """
    CREATE TABLE job_logs (
        "jobId"     bigint NOT NULL,
        id          bigint GENERATED ALWAYS AS IDENTITY,
        "writtenAt" timestamptz NOT NULL DEFAULT clock_timestamp(),
        lines       integer NOT NULL,
        dropped     integer NOT NULL DEFAULT 0,
        attempt     smallint NOT NULL,
        text        text NOT NULL,
        PRIMARY KEY ("jobId", id)
    )
"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute('UPDATE rowcrew_schema SET revision = 6, "minimumWorker" = 6')


def downgrade() -> None:
    op.execute("DROP TABLE job_logs")
    op.execute('UPDATE rowcrew_schema SET revision = 5, "minimumWorker" = 5')
