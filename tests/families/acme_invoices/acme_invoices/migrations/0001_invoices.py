"""The table of invoices."""

from __future__ import annotations

from alembic import op

revision = "acme_invoices_0001"
down_revision = None
branch_labels = ("acme_invoices",)
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE "Invoices" (
            number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            sender   text NOT NULL,
            customer text NOT NULL,
            cents    bigint NOT NULL,
            "dueAt"  timestamptz NOT NULL
        )
        """
    )


def downgrade() -> None:
    op.execute('DROP TABLE "Invoices"')
