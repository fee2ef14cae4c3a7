"""deploy/procfile/Procfile under a real honcho, which waits five seconds after SIGTERM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rig.programs import Program, clean_environment, program
from rig.waiting import eventually
from tests.deploy.conftest import OpenProject
from tests.deploy.project import Project

pytestmark = pytest.mark.long

HONCHO = (sys.executable, "-m", "honcho")
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def start(project: Project, opened: ExitStack, *names: str) -> Program:
    project.lay("procfile/Procfile")
    honcho = program(*HONCHO, "start", *names, cwd=project.folder, PATH=PATH, PYTHONUNBUFFERED="1")
    return opened.enter_context(honcho)


def test_a_stop_lets_a_running_job_end(open_project: OpenProject, opened: ExitStack) -> None:
    project = open_project()
    honcho = start(project, opened, "worker")
    gate = project.gate()
    jobs = [project.starts(type, gate) for type in ("hold", "holds_a_program")]
    honcho.process.send_signal(signal.SIGTERM)
    eventually(lambda: any("🛑 Stopping: signal" in line for line in honcho.lines))
    gate.open()
    honcho.ended()
    assert [project.attempts_until("completed", job) for job in jobs] == [1, 1]
    assert project.stop_reasons() == ["signal"]


def test_a_short_grace_gives_jobs_back_before_honcho_kills(
    open_project: OpenProject, opened: ExitStack
) -> None:
    project = open_project(SHUTDOWN_GRACE=1)
    honcho = start(project, opened, "worker")
    jobs = [project.starts(type, project.gate()) for type in ("hold", "stubborn", "hold_process")]
    honcho.stop()
    assert [project.attempts_until("queued", job) for job in jobs] == [0, 0, 0]
    assert project.stop_reasons() == ["signal"]


def test_the_first_line_migrates_and_its_end_would_stop_the_worker(
    open_project: OpenProject, opened: ExitStack
) -> None:
    """So the page starts the worker by its name."""
    project = open_project()
    honcho = start(project, opened)
    honcho.ended()
    assert any("release.1" in line and "stopped (rc=0)" in line for line in honcho.lines)


def test_a_release_runs_with_the_settings_of_the_project(open_project: OpenProject) -> None:
    project = open_project()
    command = [*HONCHO, "run", "rowcrew", "migrate"]
    done = subprocess.run(
        command, cwd=project.folder, env=clean_environment(PATH=PATH), text=True, capture_output=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
