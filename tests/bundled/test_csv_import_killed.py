"""An import that dies half-way, in a process of its own, by a real signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from rig.waiting import eventually
from tests.bundled.conftest import Imports
from tests.bundled.test_csv_import import file_of

IMPORT = """
import sys
from rowcrew.bundled import crew
from rowcrew.testing import run_handler

mapping = {"sourceId": "Id", "amount": "Amount"}
payload = {"source": {"path": "file.csv"}, "table": "transactions", "mapping": mapping}
run_handler(crew, "csv_import", payload, database_url=sys.argv[1])
"""
# The import stands still at a row of its second half for as long as the test holds the lock.
GATE = """
    CREATE OR REPLACE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(7);
        RETURN NEW;
    END $$;
    CREATE TRIGGER gate BEFORE INSERT ON transactions FOR EACH ROW WHEN (NEW."sourceId" = '40000')
        EXECUTE FUNCTION gate()
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted"


def test_a_killed_import_leaves_no_row_and_the_next_one_brings_all(imports: Imports, data: Path) -> None:
    (data / "file.csv").write_bytes(file_of(51_200))
    imports.connection.execute(GATE)
    imports.connection.execute("SELECT pg_advisory_lock(7)")
    command = [sys.executable, "-c", IMPORT, imports.url]
    with subprocess.Popen(command) as process:
        eventually(lambda: imports.connection.execute(WAITING).fetchone() == (1,))
        os.kill(process.pid, signal.SIGKILL)
    imports.connection.execute("SELECT pg_advisory_unlock(7)")
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    eventually(lambda: imports.connection.execute(others).fetchone() == (0,))
    assert imports.count("transactions") == 0

    assert imports.run_source({"path": "file.csv"}).result["inserted"] == 51_200
    assert imports.count("transactions") == 51_200
