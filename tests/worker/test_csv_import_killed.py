"""An import whose whole worker is killed, at whatever moment: the next worker brings all rows, each once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.waiting import eventually
from tests.worker.conftest import StartWorker
from tests.worker.harness import Table

ROWS = 60_000
BAD_ROWS = 3
TARGET = """
    CREATE TABLE transactions ("sourceId" text UNIQUE, amount numeric(12, 2));
    CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(7);
        RETURN NEW;
    END $$;
    CREATE TRIGGER gate BEFORE INSERT ON transactions FOR EACH ROW WHEN (NEW."sourceId" = '{row}')
        EXECUTE FUNCTION gate()
"""
WAITING = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted"


def write_file(directory: Path) -> None:
    good = (f"{row},{row}.50\n" for row in range(ROWS))
    bad = (f"bad {row},never\n" for row in range(BAD_ROWS))
    (directory / "file.csv").write_text("Id,Amount\n" + "".join(good) + "".join(bad))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("row", [0, ROWS // 2, ROWS - 1])
def test_an_import_killed_with_its_worker_is_finished_by_another(
    table: Table, start_worker: StartWorker, tmp_path: Path, database_url: str, row: int
) -> None:
    """The import stands still at a row, at a lock that the test holds, when everything is killed."""
    write_file(tmp_path)
    settings: dict[str, Any] = {
        "crew": "rowcrew.jobs:crew",
        "ROWCREW_DATA_DIR": tmp_path,
        "POLL_INTERVAL": 0.5,
    }
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(TARGET.replace("{row}", str(row)))
        connection.execute("SELECT pg_advisory_lock(7)")
        mapping = {"sourceId": "Id", "amount": "Amount"}
        payload = {"source": {"path": "file.csv"}, "table": "transactions", "mapping": mapping}
        job = table.enqueue("csv_import", payload)

        first = start_worker(**settings).ready()
        eventually(lambda: table.rows(WAITING))
        first.clean_up()
        assert table.rows("SELECT count(*) FROM transactions") == [{"count": 0}]

    start_worker(**settings).ready()  # the lock went with its connection
    ended = table.until(job, seconds=120)
    assert ended["status"] == "completed", ended
    assert ended["attempts"] == 2
    assert (ended["result"]["inserted"], ended["result"]["rejected"]) == (ROWS, BAD_ROWS)
    rows = 'SELECT count(*), count(DISTINCT "sourceId") AS different FROM transactions'
    assert table.rows(rows) == [{"count": ROWS, "different": ROWS}]
    report = "SELECT convert_from(bytes, 'UTF8') AS text FROM blobs WHERE key = %s"
    (found,) = table.rows(report, ended["result"]["errorReportKey"])
    assert found["text"].count("\r\n") == 1 + BAD_ROWS
