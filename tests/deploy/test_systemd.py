"""deploy/systemd: the unit as systemd reads it; what a worker tells is in tests/worker/test_supervisor.py."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rig.fixtures import StartWorker
from rig.programs import ROOT
from rig.table import Table
from rig.worker_process import CREW
from tests.deploy.project import DEPLOY

UNIT = "rowcrew-worker@.service"
TEXT = (DEPLOY / "systemd" / UNIT).read_text()

UNSHARE = ("unshare", "--mount", "--propagation", "private")
# As the unit has it: a /tmp of its own first, all else read-only, no rights of root.
CONFINED = """
case "$0" in /tmp/*) mount --rbind "$0" /mnt ;; esac
mount -t tmpfs tmpfs /tmp
case "$0" in /tmp/*) mkdir -p "$0" && mount --rbind /mnt "$0" ;; esac
mount -o remount,bind,ro /
umask 0077
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
"""

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit for a project that is there."""
    program = tmp_path / ".venv" / "bin" / "rowcrew"
    program.parent.mkdir(parents=True)
    program.symlink_to(sys.executable)
    unit = tmp_path / UNIT
    unit.write_text(TEXT.replace("/srv/rowcrew", str(tmp_path)))
    return unit


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], text=True, capture_output=True)


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    verified = analyze("verify", "--man=no", unit)
    # Units of the machine's own may have faults too, which are told under their names.
    assert [line for line in verified.stderr.splitlines() if "rowcrew" in line] == []


@needs_systemd
def test_a_misspelt_line_would_have_been_found(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("WatchdogSec=60", "WatchDogSec=60"))
    assert "WatchDogSec" in analyze("verify", "--man=no", unit).stderr


@needs_systemd
def test_the_unit_leaves_a_worker_little_to_break(unit: Path) -> None:
    """systemd's own measure, in tenths: 0 is shut, 96 is a unit without a line about security."""
    if "--offline" not in analyze("--help").stdout:
        pytest.skip("needs systemd-analyze security --offline, of systemd 250")
    judged = analyze("security", "--offline=true", "--threshold=20", unit)
    assert judged.returncode == 0, judged.stdout


def test_the_watchdog_waits_longer_than_the_lease_that_it_watches() -> None:
    """A watchdog that bites sooner would see nothing but a busy machine."""
    (seconds,) = re.findall(r"^WatchdogSec=(\d+)$", TEXT, re.MULTILINE)
    assert int(seconds) >= 30


def may_confine() -> bool:
    """Whether this account may make a mount namespace with a /tmp of its own."""
    programs = [shutil.which(name) for name in ("unshare", "setpriv")]
    return all(programs) and subprocess.run([*UNSHARE, "true"], capture_output=True).returncode == 0


def test_a_worker_needs_neither_rights_nor_a_disk_to_write_to(
    start_worker: StartWorker, tcp_database_url: str, table: Table
) -> None:
    if not may_confine():
        pytest.skip("needs root, unshare and setpriv")
    worker = [sys.executable, "-m", "rowcrew.cli", "worker", CREW]
    confined = start_worker(
        url=tcp_database_url, program=[*UNSHARE, "sh", "-ec", CONFINED, str(ROOT), *worker]
    )
    confined.ready()
    status = Path(f"/proc/{confined.pid}/status").read_text()
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    mounts = Path(f"/proc/{confined.pid}/mounts").read_text()
    assert re.search(r"^\S+ / \S+ ro\b", mounts, re.MULTILINE)
    jobs = [table.enqueue(type, {"value": 1}) for type in ("echo", "noop")]
    assert [table.until(job, "completed")["attempts"] for job in jobs] == [1, 1]
    assert confined.stop() == 0
