"""Who may use the web, and what proves that somebody does: `web_users` and `web_sessions`.

Of passwords only what scrypt makes of them is kept, of sessions and tokens only their hashes: who reads these
tables can be nobody.
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

USERS = """
    CREATE TABLE web_users (
        name            text PRIMARY KEY,
        role            text NOT NULL,
        "readsPayloads" boolean NOT NULL DEFAULT false,
        password        text NOT NULL,
        "createdAt"     timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT web_users_name_form CHECK (name ~ '^[a-z0-9_.@-]+$' AND length(name) <= 100),
        CONSTRAINT web_users_role_known CHECK (role IN ('viewer', 'operator', 'admin'))
    )
"""

SESSIONS = """
    CREATE TABLE web_sessions (
        hash        bytea PRIMARY KEY,
        "user"      text NOT NULL REFERENCES web_users (name) ON DELETE CASCADE,
        kind        text NOT NULL,
        "createdAt" timestamptz NOT NULL DEFAULT clock_timestamp(),
        "expiresAt" timestamptz,
        CONSTRAINT web_sessions_kind_known CHECK (kind IN ('session', 'token'))
    )
"""


def upgrade() -> None:
    op.execute(USERS)
    op.execute(SESSIONS)
    op.execute('UPDATE rowcrew_schema SET revision = 7, "minimumWorker" = 7')


def downgrade() -> None:
    op.execute("DROP TABLE web_sessions")
    op.execute("DROP TABLE web_users")
    op.execute('UPDATE rowcrew_schema SET revision = 6, "minimumWorker" = 6')
