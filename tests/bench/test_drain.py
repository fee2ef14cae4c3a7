"""`rowcrew bench drain` on a database that has other things to do: it takes nothing, and leaves nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from rig.waiting import eventually
from rowcrew.settings import environment_with
from tests.conftest import Connect

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SCRATCH = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'rowcrew\\_bench\\_%'"


def start(url: str, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "rowcrew.cli", "bench", "drain", *options],
        env=environment_with(DATABASE_URL=url),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A suite that a shell runs in the background ignores Ctrl-C, and so would its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


@pytest.fixture
def stranger(database: str, database_url: str, connect: Connect) -> Iterator[str]:
    """The URL of this database for a role that may only enter it."""
    role = f"stranger_{uuid.uuid4().hex[:8]}"
    connection = connect()
    connection.execute(f"CREATE ROLE {role} LOGIN")
    connection.execute(f"REVOKE CREATE ON DATABASE {database} FROM PUBLIC")
    yield database_url.replace(f"{urlsplit(database_url).username}@", f"{role}@")
    connection.execute(f"DROP ROLE {role}")


def test_it_measures_worker_and_bare_statements_and_touches_no_job_beside_them(
    database_url: str, connect: Connect
) -> None:
    connection = connect()
    connection.execute("INSERT INTO jobs (type, payload) VALUES ('bench_noop', '{\"number\": 1}')")
    output, errors = (bench := start(database_url, "--jobs", "300", "--rounds", "2", "--json")).communicate()
    assert bench.returncode == 0, errors
    runs, shares = json.loads(output)["tables"]
    assert [(row["round"], row["what"], row["completed"]) for row in runs["rows"]] == [
        *((1, "one worker", 300), (1, "no worker", 300)),
        *((2, "one worker", 300), (2, "no worker", 300)),
    ]
    assert shares["rows"][0]["lowest"] <= shares["rows"][0]["median"] <= shares["rows"][0]["highest"]
    assert connection.execute("SELECT status, attempts FROM jobs").fetchall() == [("queued", 0)]
    assert connection.execute("SELECT count(*) FROM workers").fetchall() == [(0,)]
    assert connection.execute(SCRATCH).fetchall() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_stops_its_worker_and_drops_its_schema(
    number: signal.Signals, database_url: str, connect: Connect
) -> None:
    connection = connect()
    bench = start(database_url, "--jobs", "100000")
    workers = eventually(lambda: workers_of(bench.pid))
    bench.send_signal(number)
    bench.communicate()
    assert bench.returncode == 130
    assert not any(worker.is_running() for worker in workers)
    assert connection.execute(SCRATCH).fetchall() == []


def workers_of(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [child for child in psutil.Process(pid).children() if "worker" in child.cmdline()]
    return []


def test_a_role_that_may_make_no_schema_is_told_what_to_do(stranger: str) -> None:
    _, errors = (bench := start(stranger)).communicate()
    assert bench.returncode == 1
    assert errors.startswith("rowcrew: permission denied")
    assert "GRANT CREATE ON DATABASE" in errors
    assert "--embedded" in errors


def test_a_database_out_of_reach_is_one_sentence(tmp_path: Path) -> None:
    _, errors = (bench := start(f"postgresql://nobody@/nowhere?host={tmp_path}")).communicate()
    assert bench.returncode == 1
    assert errors.startswith("rowcrew: no connection to ")
    assert "Traceback" not in errors
