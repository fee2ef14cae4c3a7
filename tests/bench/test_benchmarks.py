"""Each benchmark runs, with numbers too small to mean anything, and tells people and programs the result."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from rig.pooler import MISSING, PROGRAM

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
TINY = {
    "drain": ("--jobs", "200", "--rounds", "1", "--batch-size", "50", "--no-job-lines"),
    "paired": ("--jobs", "50", "--rounds", "2", "--starts", "1"),
    "enqueue": ("--singles", "20", "--clients", "1", "2", "--rows", "50", "--rounds", "1"),
    "latency": ("--jobs", "3", "--pause", "0.01", "--starts", "1"),
    "lines": ("--jobs", "30", "--rounds", "1"),
    "steady": ("--rates", "100", "2000", "--seconds", "0.2", "--clients", "2"),
    "pinned": ("--jobs", "300", "--rounds", "1"),
    "history": ("--rows", "1000", "--jobs", "100", "--rounds", "1"),
    "backlog": ("--rows", "8400", "--jobs", "100", "--rounds", "1"),
    "workers": (
        "--sleeps",
        "3",
        "--seconds",
        "0.01",
        "--jobs",
        "50",
        "--rounds",
        "1",
        "--batch-sizes",
        "10",
        "--sharers",
        "2",
        "--shared-jobs",
        "50",
    ),
    "fleet": ("--workers", "1", "2", "--seconds", "0.1", "--settle", "0", "--wakes", "2"),
    "limits": ("--jobs", "30", "--milliseconds", "1", "--workers", "1"),
    "tenants": ("--rows", "60", "--tenants", "3", "--newcomers", "2", "--milliseconds", "1"),
    "mix": ("--slots", "2", "--milliseconds", "1", "--seconds", "0.01", "--rounds", "1"),
    "idle": ("--seconds", "0.1", "--settle", "0"),
    "queries": ("--rows", "2000", "--repeats", "1"),
    "reserve": ("--rows", "2000", "--repeats", "1"),
    "start": ("--repeats", "1", "--jobs", "50"),
    "session": ("--repeats", "1"),
    "spawner": (
        *("--crowds", "2/2", "--sleep", "0", "--starts", "1"),
        *("--seconds", "0.1", "--settle", "0", "--queues", "3"),
    ),
    "csv_import": ("--rows", "100", "--bad-rows", "5", "--repeats", "1"),
    "waits": ("--fan-in", "10", "--chain", "5", "--waiters", "25"),
    "web": (
        *("--finished", "1000", "--queued", "100", "--repeats", "1"),
        *("--tabs", "2", "--jobs", "50", "--rounds", "1", "--settle", "0"),
    ),
    "jobs": ("--paths", "1000", "--table-rows", "5", "--rounds", "1", "--cancels", "1"),
    "announcements": ("--filings", "6"),
    "loop_lag": ("--seconds", "0.2"),
}


def schemas(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        names = {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace").fetchall()}
    # PostgreSQL keeps, empty, the schemas that held temporary tables.
    return {name for name in names if not name.startswith(("pg_temp_", "pg_toast_temp_"))}


def test_without_a_name_the_benchmarks_are_listed() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "benchmarks"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == list(TINY)


@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_prints_tables_writes_json_and_leaves_nothing(
    name: str, database_url: str, tmp_path: Path
) -> None:
    if name == "paired" and not (ROOT / ".git").exists():
        pytest.skip("there is no other commit to compare with")
    before = schemas(database_url)
    command = [
        *(sys.executable, "-m", "benchmarks", name, *TINY[name]),
        *("--database-url", database_url, "--results", str(tmp_path)),
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    report = json.loads((tmp_path / f"{name}.json").read_text())
    assert report["command"].startswith(f"./dev bench {name} ")
    assert {"cores", "cpu", "python", "loadAverage", "postgres_server_version"} <= report["machine"].keys()
    for table in report["tables"]:
        assert table["title"] in ended.stdout
        assert table["rows"]
    assert schemas(database_url) == before


def test_a_benchmark_that_is_asked_for_too_little_says_how_much_is_enough(database_url: str) -> None:
    command = [sys.executable, "-m", "benchmarks", "announcements", "--filings", "1"]
    ended = subprocess.run(
        [*command, "--database-url", database_url], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("bench: --filings must be 2 or more")


@pytest.mark.skipif(PROGRAM is None, reason=MISSING)
def test_a_crew_behind_a_pooler_needs_no_more_sessions_than_it_lends(
    database_url: str, tmp_path: Path
) -> None:
    given = ("--workers", "2", "--seconds", "0.1", "--settle", "0", "--wakes", "2", "--sessions", "3")
    command = [sys.executable, "-m", "benchmarks", "fleet", *given]
    ended = subprocess.run(
        [*command, "--database-url", database_url, "--results", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    [table] = json.loads((tmp_path / "fleet.json").read_text())["tables"]
    assert 1 <= table["rows"][0]["connections"] <= 3
