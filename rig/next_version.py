"""The next version of the schema, which arrives while workers of this version run, and goes again.

In: a directory for a copy of the package whose migrations are one further. Out: `come` and `go`, each run by
the copy's own `rowcrew.table.migrate` in a process of its own, as a deploy does, and where its workers are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from rowcrew.table.compatibility import SCHEMA_REVISION

ROOT: Final = Path(__file__).parents[1]
PATIENCE_SECONDS: Final = 30.0

# All of it may be done twice: a server that crashes midway leaves the part that was committed.
_MIGRATION: Final = """
from alembic import op

revision = "{next:04}"
down_revision = "{this:04}"
branch_labels = None
depends_on = None


def upgrade():
    op.execute('ALTER TABLE jobs ADD COLUMN IF NOT EXISTS "nextVersion" integer NOT NULL DEFAULT 7')
    op.execute('ALTER TABLE job_attempts ADD COLUMN IF NOT EXISTS "nextVersion" integer')
    op.execute('CREATE TABLE IF NOT EXISTS "nextVersion" (id bigint)')
    with op.get_context().autocommit_block():
        op.execute('DROP INDEX CONCURRENTLY IF EXISTS jobs_next_version')
        op.execute('CREATE INDEX CONCURRENTLY jobs_next_version ON jobs ("nextVersion")')
    op.execute("UPDATE rowcrew_schema SET revision = {next}")


def downgrade():
    op.execute('ALTER TABLE jobs DROP COLUMN IF EXISTS "nextVersion"')
    op.execute('ALTER TABLE job_attempts DROP COLUMN IF EXISTS "nextVersion"')
    op.execute('DROP TABLE IF EXISTS "nextVersion"')
    op.execute("UPDATE rowcrew_schema SET revision = {this}")
"""


class NextVersion:
    """A copy of the package with one migration more."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        for part in ("python-worker", "migrations"):
            shutil.copytree(ROOT / part, directory / part, ignore=shutil.ignore_patterns("__pycache__"))
        text = _MIGRATION.format(this=SCHEMA_REVISION, next=SCHEMA_REVISION + 1)
        (directory / "migrations" / "versions" / f"{SCHEMA_REVISION + 1:04}_next.py").write_text(text)
        known = self.package / "rowcrew" / "table" / "compatibility.py"
        line, text = "SCHEMA_REVISION: Final = {}\n", known.read_text()
        assert line.format(SCHEMA_REVISION) in text
        known.write_text(text.replace(line.format(SCHEMA_REVISION), line.format(SCHEMA_REVISION + 1)))

    @property
    def package(self) -> Path:
        """What to put first on PYTHONPATH, so that a worker is one of the next version."""
        return self._directory / "python-worker"

    def come(self, url: str) -> bool:
        """Migrate to the next version; whether that was possible."""
        return self._run(f"migrate.migrate({url!r})")

    def go(self, url: str) -> bool:
        """Migrate back; whether that was possible."""
        return self._run(f"migrate.downgrade({url!r}, '{SCHEMA_REVISION:04}')")

    def _run(self, call: str) -> bool:
        try:
            ended = subprocess.run(
                [sys.executable, "-c", f"from rowcrew.table import migrate; {call}"],
                cwd=self._directory,
                env={**os.environ, "PYTHONPATH": str(self.package)},
                capture_output=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return ended.returncode == 0
