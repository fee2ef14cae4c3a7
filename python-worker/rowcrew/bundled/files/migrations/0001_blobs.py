"""A store for the files of jobs where no bucket is configured."""

from __future__ import annotations

from alembic import op

revision = "files_0001"
down_revision = None
branch_labels = ("files",)
depends_on = None

BLOBS = """
    CREATE TABLE blobs (
        key           text PRIMARY KEY,
        bytes         bytea NOT NULL,
        sha256        bytea NOT NULL,
        "contentType" text,
        size          bigint NOT NULL,
        "createdAt"   timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT blobs_key_length CHECK (length(key) BETWEEN 1 AND 1024),
        CONSTRAINT blobs_sha256_length CHECK (length(sha256) = 32),
        CONSTRAINT blobs_size_is_true CHECK (size = length(bytes))
    )
"""
# Kept as they are: compressing makes storing them three times slower, and reading a part slow.
AS_THEY_ARE = "ALTER TABLE blobs ALTER COLUMN bytes SET STORAGE EXTERNAL"


def upgrade() -> None:
    op.execute(BLOBS)
    op.execute(AS_THEY_ARE)


def downgrade() -> None:
    op.execute("DROP TABLE blobs")
