"""What a soak complains of, and a short one from end to end; 2,000 jobs are run by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from storm.soaked import Metrics, Seen, complaints, metrics_of

ROOT = Path(__file__).parents[2]
WELL = Seen(
    jobs=10,
    statuses={"completed": 10},
    twice=[],
    counted={1: 4, 2: 3},
    left_well={1: 4},
    launched=3,
    left={"idle_timeout": 2, "lost": 1},
    most_running=3,
    most_live=3,
    metrics=Metrics(7, 0, 3, {"idle_timeout": 2, "lost": 1}),
    processes=[],
    sessions=0,
    rows_open=0,
)


def test_uncounted_runs_of_a_killed_worker_are_no_fault() -> None:
    assert complaints(WELL) == []


@pytest.mark.parametrize(
    "change",
    [
        {"statuses": {"completed": 9}},
        {"statuses": {"completed": 9, "failed": 1}},
        {"twice": [7]},
        {"counted": {1: 3, 2: 4}},
        {"left_well": {1: 4, 3: 1}},
        {"most_running": 4},
        {"most_live": 4},
        {"metrics": Metrics(8, 0, 3, {"idle_timeout": 2, "lost": 1})},
        {"metrics": Metrics(7, 1, 3, {"idle_timeout": 2, "lost": 1})},
        {"metrics": Metrics(7, 0, 2, {"idle_timeout": 2, "lost": 1})},
        {"metrics": Metrics(7, 0, 3, {"idle_timeout": 3})},
        {"processes": ["psutil.Process(pid=7)"]},
        {"sessions": 1},
        {"rows_open": 1},
    ],
)
def test_each_fault_is_complained_of(change: dict[str, Any]) -> None:
    assert len(complaints(WELL._replace(**change))) == 1


def test_metrics_are_read_as_prometheus_reads_them() -> None:
    text = """
    # TYPE rowcrew_queue_depth gauge
    rowcrew_queue_depth{queue="soak",state="ready"} 2.0
    rowcrew_queue_depth{queue="soak",state="in_flight"} 1.0
    # TYPE rowcrew_jobs_finished counter
    rowcrew_jobs_finished_total{queue="soak",type="naps",outcome="completed"} 5.0
    rowcrew_jobs_finished_total{queue="soak",type="naps",outcome="lost"} 2.0
    # TYPE rowcrew_workers_stopped counter
    rowcrew_workers_stopped_total{queue="soak",reason="lost"} 4.0
    """
    lines = "\n".join(line.strip() for line in text.strip().splitlines())
    assert metrics_of(lines + "\n") == Metrics(5, 3, 0, {"lost": 4})
    assert metrics_of("# EOF\n") is None


@pytest.mark.long
@pytest.mark.timeout(900)
def test_three_workers_that_are_killed_lose_no_job() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "storm", "--soak", "100", "--seed", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
