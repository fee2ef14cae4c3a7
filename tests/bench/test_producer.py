"""The producers that the benchmarks of enqueueing and of a steady rate start."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.producer import producing
from rowcrew.bench.scratch import scratch_schema
from rowcrew.bench.table import BenchTable
from rowcrew.model.errors import RowcrewError

ROOT = Path(__file__).parents[2]
NUMBERS = "SELECT (payload->>'number')::integer FROM jobs ORDER BY 1"


@pytest.mark.parametrize("rows_each", [1, 3])
def test_clients_share_the_rows_and_send_none_before_they_are_let_go(
    rows_each: int, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with scratch_schema(database_url) as url, BenchTable(url) as table:
        with producing(url, clients=3, rows=20, type="bench_noop", rows_each=rows_each) as go:
            assert table.newest().id == 0
            sent = go()
        assert [number for (number,) in table.connection.execute(NUMBERS).fetchall()] == list(range(20))
    covered = sorted(number for each in sent for number in range(each.first, each.first + each.rows))
    assert covered == list(range(20))
    assert all(each.began <= each.committed for each in sent)


def test_a_rate_is_a_timetable_that_clients_share(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with (
        scratch_schema(database_url) as url,
        producing(url, clients=2, rows=12, type="bench_noop", rows_each=2, rate=40) as go,
    ):
        let_go = time.time()
        sent = go()
    # Six statements, 50 ms apart: however late each is, the last begins no earlier than that.
    assert max(each.began for each in sent) - let_go >= 0.25


def test_a_producer_that_cannot_connect_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(RowcrewError, match="a producer ended early"):  # noqa: SIM117
        with producing(f"postgresql:///nowhere?host={tmp_path}", clients=1, rows=1, type="bench_noop"):
            pass


def test_a_backlog_too_short_for_its_first_jobs_is_refused(database_url: str) -> None:
    command = [sys.executable, "-m", "benchmarks", "backlog", "--rows", "100", "--database-url", database_url]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.startswith("bench: --rows 100: give at least 208000")
