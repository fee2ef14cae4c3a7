"""deploy/pm2/ecosystem.config.js under a real PM2: start, reload, restart, stop, and no job is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping

import pytest

from rig.npm import NODE_IS_THERE
from rig.waiting import eventually
from tests.deploy.conftest import OpenProject
from tests.deploy.pm2 import Pm2, said
from tests.deploy.project import QUEUE, Project

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not NODE_IS_THERE, reason="needs nodejs and npm"),
]


Start = Callable[..., Project]


@pytest.fixture
def start(pm2: Pm2, open_project: OpenProject) -> Start:
    """Start the worker of the template, with texts of it changed, and wait until it has entered."""

    def start(changes: Mapping[str, str] | None = None, **settings: object) -> Project:
        project = open_project(**settings)
        project.lay("pm2/ecosystem.config.js", changes)
        pm2("start", "ecosystem.config.js", cwd=project.folder)
        project.has_worker()
        return project

    return start


def test_it_starts_one_worker_that_runs_the_jobs_of_its_queue(pm2: Pm2, start: Start) -> None:
    project = start()
    assert project.attempts_until("completed", project.enqueue("tick")) == 1
    state = pm2.state()
    assert (state["status"], state["mode"], state["restarts"]) == ("online", "fork_mode", 0)
    assert len(project.workers()) == 1
    assert "online" in pm2("list")
    assert "✅ Job completed" in pm2("logs", "rowcrew-cost-collection", "--lines", "100", "--nostream")
    pm2("save")


def test_a_stop_lets_running_jobs_end_and_their_programs_too(pm2: Pm2, start: Start) -> None:
    project = start()
    gate = project.gate()
    jobs = [project.starts(type, gate) for type in ("hold", "hold_process", "holds_a_program")]
    stopping = pm2.begin("stop", "all")
    eventually(lambda: "🛑 Stopping: signal" in pm2.output(), 60)
    late = project.enqueue("tick")
    gate.open()
    said(stopping)
    assert pm2.state()["status"] == "stopped"
    assert [project.attempts_until("completed", job) for job in jobs] == [1, 1, 1]
    assert project.table.row(jobs[2])["result"] == 0
    assert project.table.row(late)["status"] == "queued"
    assert project.stop_reasons() == ["signal"]


def test_a_stop_gives_back_what_does_not_end_before_pm2_kills(pm2: Pm2, start: Start) -> None:
    project = start(
        {"SHUTDOWN_GRACE: '25'": "SHUTDOWN_GRACE: '1'", "kill_timeout: 30000": "kill_timeout: 6000"}
    )
    jobs = [project.starts(type, project.gate()) for type in ("hold", "stubborn", "hold_process")]
    pm2("stop", "all")
    assert [project.attempts_until("queued", job) for job in jobs] == [0, 0, 0]
    assert project.stop_reasons() == ["signal"]


def test_a_reload_replaces_the_worker_and_loses_no_job(pm2: Pm2, start: Start) -> None:
    project = start()
    first, gate = project.has_worker(), project.gate()
    held = project.starts("hold", gate)
    reloading = pm2.begin("reload", "all")
    eventually(lambda: "🛑 Stopping: signal" in pm2.output(), 60)
    meanwhile = [project.enqueue("tick") for _ in range(20)]
    gate.open()
    said(reloading)
    assert project.has_worker(other_than=first)
    assert [project.attempts_until("completed", job) for job in (held, *meanwhile)] == [1] * 21
    assert pm2.state()["status"] == "online"


def test_a_worker_above_its_memory_is_restarted_and_loses_no_job(pm2: Pm2, start: Start) -> None:
    project = start({"max_memory_restart: '512M'": "max_memory_restart: '10M'"})
    jobs = [project.table.enqueue("naps", {"seconds": 0.2}, queue=QUEUE) for _ in range(400)]
    eventually(lambda: pm2.state()["restarts"] >= 1, 60)
    pm2("delete", "all")
    assert set(project.stop_reasons()) == {"signal"}
    rows = [project.table.row(job) for job in jobs]
    assert {(row["status"], row["attempts"]) for row in rows} <= {("queued", 0), ("completed", 1)}


def test_a_killed_worker_is_started_again(pm2: Pm2, start: Start) -> None:
    project = start()
    first = project.has_worker()
    os.kill(pm2.state()["pid"], signal.SIGKILL)
    project.has_worker(other_than=first)
    assert project.attempts_until("completed", project.enqueue("tick")) == 1
    assert pm2.state()["restarts"] == 1


def test_a_wrong_setting_is_told_once_and_not_tried_again(pm2: Pm2, open_project: OpenProject) -> None:
    project = open_project(POLL_INTERVAL="soon")
    project.lay("pm2/ecosystem.config.js")
    pm2("start", "ecosystem.config.js", cwd=project.folder)
    eventually(lambda: "POLL_INTERVAL='soon'" in pm2.output() and pm2.state()["pid"] == 0, 60)
    assert pm2.state()["restarts"] == 0
    assert pm2.output().count("POLL_INTERVAL='soon'") == 1
