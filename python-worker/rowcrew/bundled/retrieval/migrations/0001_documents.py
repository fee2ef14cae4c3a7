"""Documents, their chunks with embeddings, and the files of batches."""

from __future__ import annotations

from alembic import op

revision = "retrieval_0001"
down_revision = None
branch_labels = ("retrieval",)
depends_on = None

DOCUMENTS = """
    CREATE TABLE documents (
        id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        "projectId"     text NOT NULL,
        "contentSha256" text NOT NULL,
        name            text,
        "fileType"      text NOT NULL,
        "chunkSize"     integer NOT NULL,
        "chunkOverlap"  integer NOT NULL,
        embedder        text NOT NULL,
        dimensions      integer NOT NULL,
        tokens          integer NOT NULL,
        "createdAt"     timestamptz NOT NULL DEFAULT now(),
        "updatedAt"     timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT documents_once UNIQUE ("projectId", "contentSha256"),
        CONSTRAINT documents_project_length CHECK (length("projectId") BETWEEN 1 AND 200)
    )
"""
# Arrays also where pgvector is installed: decision 0085.
CHUNKS = """
    CREATE TABLE chunks (
        id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        "documentId" bigint NOT NULL REFERENCES documents ON DELETE CASCADE,
        place        integer NOT NULL,
        content      text NOT NULL,
        overlap      integer NOT NULL,
        tokens       integer NOT NULL,
        embedding    real[] NOT NULL,
        words        tsvector GENERATED ALWAYS AS (to_tsvector('english', content)) STORED,
        CONSTRAINT chunks_once UNIQUE ("documentId", place)
    )
"""
# A list of entries yet to be sorted in would make a search after a large import slow.
WORDS = "CREATE INDEX chunks_words ON chunks USING gin (words) WITH (fastupdate = off)"

# No reference to `jobs`: each deletion there would have to look here.
BATCH_FILES = """
    CREATE TABLE "batchFiles" (
        "jobId"          bigint PRIMARY KEY,
        "batchId"        bigint NOT NULL,
        place            integer NOT NULL,
        "stopsWithFirst" boolean NOT NULL,
        begun            boolean NOT NULL DEFAULT false,
        searchable       boolean NOT NULL DEFAULT false,
        "createdAt"      timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT batch_files_once UNIQUE ("batchId", place)
    )
"""


def upgrade() -> None:
    op.execute(DOCUMENTS)
    op.execute(CHUNKS)
    op.execute(WORDS)
    op.execute(BATCH_FILES)


def downgrade() -> None:
    op.execute('DROP TABLE "batchFiles"')
    op.execute("DROP TABLE chunks")
    op.execute("DROP TABLE documents")
