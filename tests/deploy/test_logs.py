"""docs/deploy/logs.md: which road loses no line. logrotate is the real one, and so is PM2."""

from __future__ import annotations

import getpass
import gzip
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rig.fixtures import StartWorker
from rig.npm import NODE_IS_THERE
from rig.table import Table
from rig.waiting import eventually
from tests.deploy.conftest import OpenProject
from tests.deploy.pm2 import Pm2
from tests.deploy.project import DEPLOY, QUEUE
from tests.docs.pages import block_marked

LOGROTATE = shutil.which("logrotate", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
TEMPLATE = DEPLOY / "logrotate" / "rowcrew"

needs_logrotate = pytest.mark.skipif(LOGROTATE is None, reason="needs logrotate")


def logrotate(configuration: Path, *options: str) -> str:
    assert LOGROTATE is not None
    state = configuration.with_suffix(".state")
    done = subprocess.run(
        [LOGROTATE, *options, "--state", state, configuration], text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def read(file: Path) -> str:
    return gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text()


@needs_logrotate
@pytest.mark.long
@pytest.mark.skipif(not NODE_IS_THERE, reason="needs nodejs and npm")
def test_a_log_under_pm2_is_turned_and_loses_no_line(pm2: Pm2, open_project: OpenProject) -> None:
    project = open_project()
    project.lay("pm2/ecosystem.config.js")
    pm2("start", "ecosystem.config.js", cwd=project.folder)
    owner = f"su {getpass.getuser()} {getpass.getuser()}"
    ours = {"su rowcrew rowcrew": owner, "/srv/rowcrew/.pm2": str(pm2.home), " pm2 ": f" {pm2.program} "}
    configuration = project.lay("logrotate/rowcrew", ours)
    configuration.chmod(0o644)
    jobs = []
    for _ in range(5):
        jobs += [project.table.enqueue("naps", {"seconds": 0.01}, queue=QUEUE) for _ in range(100)]
        project.attempts_until("completed", jobs[-60])
        logrotate(configuration, "--force")
    for job in jobs:
        project.attempts_until("completed", job)
    pm2("stop", "all")
    files = list((pm2.home / "logs").glob("rowcrew-cost-collection-out*"))
    lines = [line for file in files for line in read(file).splitlines() if "✅ Job completed: " in line]
    assert sorted(int(line.rpartition(" ")[2]) for line in lines) == jobs
    assert len(files) == 6
    assert [file.suffix for file in files].count(".gz") == 4


@needs_logrotate
def test_a_file_that_was_opened_to_append_has_no_hole_after_the_cut(
    start_worker: StartWorker, table: Table, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    configuration = tmp_path / "rotation"
    text = block_marked("logrotate", "copytruncate").text
    configuration.write_text(text.replace("/var/log/rowcrew/worker.log", str(log)))
    configuration.chmod(0o644)
    with log.open("ab") as appended:
        start_worker(output=appended.fileno())
    table.until(table.enqueue("tick"), "completed")
    logrotate(configuration, "--force")
    table.until(table.enqueue("tick"), "completed")
    eventually(log.read_bytes)
    assert log.read_bytes().startswith(b"{")


@needs_logrotate
def test_logrotate_understands_the_template(tmp_path: Path) -> None:
    user = getpass.getuser()
    copy = tmp_path / "rowcrew"
    copy.write_text(TEMPLATE.read_text().replace("su rowcrew rowcrew", f"su {user} {user}"))
    copy.chmod(0o644)
    assert "error" not in logrotate(copy, "--debug")
