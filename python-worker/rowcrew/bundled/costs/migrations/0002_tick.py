"""The nightly collection is told its tick, so that one that runs late collects its own day."""

from __future__ import annotations

from alembic import op

revision = "costs_0002"
down_revision = "costs_0001"
branch_labels = None
depends_on = None

# `migrate` inserts the row once, and earlier without a payload. The queue's tables need not be here.
REWRITE = """
    DO $$ BEGIN
        IF to_regclass('schedules') IS NOT NULL THEN
            UPDATE schedules SET payload = '{new}'
             WHERE name = 'cost_collection' AND type = 'cost_collection'
               AND "declaredBy" = 'costs' AND payload = '{old}';
        END IF;
    END $$
"""
BEFORE = "{}"
NOW = """{"tick": "{tick}"}"""


def upgrade() -> None:
    op.execute(REWRITE.replace("{new}", NOW).replace("{old}", BEFORE))


def downgrade() -> None:
    op.execute(REWRITE.replace("{new}", BEFORE).replace("{old}", NOW))
