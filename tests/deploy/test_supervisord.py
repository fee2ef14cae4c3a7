"""deploy/supervisord/rowcrew.conf under a real supervisord: start, restart, stop, and its turn of the log."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from rig.programs import clean_environment
from rig.waiting import eventually
from tests.deploy.conftest import OpenProject
from tests.deploy.project import QUEUE, Project

pytestmark = pytest.mark.long

NAME = "rowcrew-cost-collection"
CONFIGURATION = """
[unix_http_server]
file={home}/socket
[supervisorctl]
serverurl=unix://{home}/socket
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
nodaemon=true
silent=true
logfile={home}/supervisord.log
pidfile={home}/supervisord.pid
[include]
files={program}
"""


class Supervisord:
    """A supervisord of a test's own, with the program of a project."""

    def __init__(self, home: Path, project: Project, program: Path) -> None:
        self.project = project
        self._configuration = home / "supervisord.conf"
        self._configuration.write_text(CONFIGURATION.format(home=home, program=program))
        self._daemon = self.begin("supervisord")

    def begin(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        """Give a command, and do not wait for its end."""
        module = f"supervisor.{command}"
        return subprocess.Popen(
            [sys.executable, "-m", module, "-c", str(self._configuration), *arguments],
            env=clean_environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def __call__(self, *arguments: str) -> str:
        return self.begin("supervisorctl", *arguments).communicate(timeout=120)[0]

    def state(self) -> str:
        return self("status", NAME).split()[1]

    def has_state(self, state: str) -> None:
        eventually(lambda: self.state() == state, 60)

    def pid(self) -> int:
        return int(self("pid", NAME))

    def output(self) -> list[str]:
        """The lines of the log, the oldest file first."""
        files = sorted(self.project.folder.glob("cost-collection.log*"), key=number, reverse=True)
        return "".join(file.read_text() for file in files).splitlines()

    def end(self) -> None:
        self._daemon.terminate()
        self._daemon.communicate(timeout=60)


def number(file: Path) -> int:
    return int(file.suffix[1:]) if file.suffix[1:].isdecimal() else 0


Start = Callable[..., Supervisord]


@pytest.fixture
def start(open_project: OpenProject) -> Iterator[Start]:
    """Start the program of the template, with texts of it changed."""
    home = Path(tempfile.mkdtemp(prefix="supervisord-"))  # a short path: its socket lies there
    started: list[Supervisord] = []

    def start(changes: Mapping[str, str] | None = None, **settings: object) -> Supervisord:
        project = open_project(**settings)
        here = {"/srv/rowcrew": str(project.folder), "/var/log/rowcrew": str(project.folder)}
        ours = {"user=rowcrew": f"user={getpass.getuser()}", **here, **(changes or {})}
        started.append(Supervisord(home, project, project.lay("supervisord/rowcrew.conf", ours)))
        return started[-1]

    yield start
    for supervisord in started:
        supervisord.end()
    shutil.rmtree(home)


def test_it_starts_one_worker_that_runs_the_jobs_of_its_queue(start: Start) -> None:
    supervisord = start()
    job = supervisord.project.enqueue("tick")
    assert supervisord.project.attempts_until("completed", job) == 1
    supervisord.has_state("RUNNING")
    assert len(supervisord.project.workers()) == 1
    assert "✅ Job completed" in supervisord("tail", NAME)
    supervisord("update")
    assert supervisord.state() == "RUNNING"


def test_a_stop_lets_running_jobs_end_and_their_programs_too(start: Start) -> None:
    supervisord = start()
    project = supervisord.project
    gate = project.gate()
    jobs = [project.starts(type, gate) for type in ("hold", "hold_process", "holds_a_program")]
    stopping = supervisord.begin("supervisorctl", "stop", NAME)
    eventually(lambda: any("🛑 Stopping" in line for line in supervisord.output()), 60)
    gate.open()
    stopping.communicate(timeout=60)
    assert supervisord.state() == "STOPPED"
    assert [project.attempts_until("completed", job) for job in jobs] == [1, 1, 1]
    assert project.table.row(jobs[2])["result"] == 0
    assert project.stop_reasons() == ["signal"]


def test_a_stop_gives_back_what_does_not_end_before_supervisord_kills(start: Start) -> None:
    supervisord = start({'SHUTDOWN_GRACE="25"': 'SHUTDOWN_GRACE="1"', "stopwaitsecs=30": "stopwaitsecs=6"})
    project = supervisord.project
    jobs = [project.starts(type, project.gate()) for type in ("hold", "stubborn", "hold_process")]
    supervisord("stop", NAME)
    assert [project.attempts_until("queued", job) for job in jobs] == [0, 0, 0]
    assert project.stop_reasons() == ["signal"]


def test_a_restart_loses_no_job(start: Start) -> None:
    supervisord = start()
    project = supervisord.project
    first = project.has_worker()
    jobs = [project.table.enqueue("naps", {"seconds": 0.2}, queue=QUEUE) for _ in range(100)]
    project.attempts_until("completed", jobs[0])
    supervisord("restart", NAME)
    project.has_worker(other_than=first)
    assert [project.attempts_until("completed", job) for job in jobs] == [1] * 100


def test_a_killed_worker_is_started_again(start: Start) -> None:
    supervisord = start()
    first = supervisord.project.has_worker()
    supervisord.has_state("RUNNING")
    os.kill(supervisord.pid(), signal.SIGKILL)
    supervisord.project.has_worker(other_than=first)
    job = supervisord.project.enqueue("tick")
    assert supervisord.project.attempts_until("completed", job) == 1


def test_a_worker_without_its_tables_is_tried_again_until_they_are_there(
    start: Start, open_project: OpenProject
) -> None:
    table = open_project().table
    (there,) = table.rows("SELECT revision FROM rowcrew_schema")
    table.rows("UPDATE rowcrew_schema SET revision = 0")
    supervisord = start()
    # One that takes longer than `startsecs` to end is in no BACKOFF, and is tried again all the same.
    refused = "run rowcrew migrate"
    eventually(lambda: sum(refused in line for line in supervisord.output()) >= 2, 90)
    table.rows("UPDATE rowcrew_schema SET revision = %s", there["revision"])
    supervisord.has_state("RUNNING")


def test_its_rotation_loses_no_line(start: Start) -> None:
    supervisord = start({"maxbytes=50MB": "maxbytes=20KB", "backups=10": "backups=1000"})
    project = supervisord.project
    jobs = [project.enqueue("tick") for _ in range(1000)]
    for job in jobs:
        project.attempts_until("completed", job)
    supervisord("stop", NAME)
    lines = [line for line in supervisord.output() if "✅ Job completed: " in line]
    assert sorted(int(line.rpartition(" ")[2]) for line in lines) == jobs
    assert (project.folder / "cost-collection.log.3").exists()
