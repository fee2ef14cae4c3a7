"""Files are kept as they are: compressing made storing them three times slower, and reading a part slow."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE blobs ALTER COLUMN bytes SET STORAGE EXTERNAL")
    op.execute("UPDATE rowcrew_schema SET revision = 4")


def downgrade() -> None:
    op.execute("ALTER TABLE blobs ALTER COLUMN bytes SET STORAGE EXTENDED")
    op.execute("UPDATE rowcrew_schema SET revision = 3")
