"""docs/deploy/render.md: what it says of commands, settings and a worker that does not start is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rig.ports import free_port
from rig.programs import clean_environment, program
from rowcrew import settings
from rowcrew.settings import machine
from tests.deploy.conftest import ROOT, WORKER

PAGE = (ROOT / "docs" / "deploy" / "render.md").read_text()


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def table(heading: str) -> dict[str, str]:
    """The first table of a section: first column to second."""
    rows = re.findall(r"^\| (.*?) \| (.*?) \|", section(heading), re.MULTILINE)
    return {name: value.strip("`") for name, value in rows}


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    [worker] = yaml.safe_load((ROOT / "render.yaml").read_text())["services"]
    return dict(worker)


def test_the_fields_of_the_dashboard_say_what_the_blueprint_says(service: dict[str, Any]) -> None:
    fields = table("In the dashboard")
    root = fields["Root Directory"]
    build, start = fields["Build Command"], fields["Start Command"]
    assert service["buildCommand"] == build.replace("requirements.txt", f"{root}/requirements.txt")
    assert service["startCommand"] == start.replace("worker.py", f"{root}/worker.py")
    fixed = {entry["key"]: entry.get("value") for entry in service["envVars"]}
    for name, value in re.findall(r"`(\w+)` = `([\w.]+)`", fields["Environment"]):
        assert fixed[name] == value


@pytest.mark.parametrize("plan", ["free", "starter", "standard"])
def test_the_slots_of_each_plan_are_those_that_auto_chooses(
    monkeypatch: pytest.MonkeyPatch, plan: str
) -> None:
    row = re.search(rf"^\| `?{plan}\b.*?\| ([\d.]+), .* \| (\d+) \|$", section("What it costs"), re.MULTILINE)
    assert row is not None
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.setattr(machine, "_memory_bytes", lambda: 2**36)
    monkeypatch.setattr(machine, "_CONTROL_GROUP", Path("/nowhere"))
    monkeypatch.setenv("RENDER_CPU_COUNT", row[1])
    assert settings.read({"WORKER_CONCURRENCY": "auto"}).slots == int(row[2])


def test_the_grace_it_recommends_fits_into_the_delay(service: dict[str, Any]) -> None:
    graces = [int(grace) for grace in re.findall(r"SHUTDOWN_GRACE=(\d+)", PAGE)]
    assert graces
    assert max(graces) + 5 <= service["maxShutdownDelaySeconds"]


def test_the_checklist_has_fourteen_points() -> None:
    points = re.findall(r"^(\d+)\. ", section("Checklist"), re.MULTILINE)
    assert points == [str(number) for number in range(1, 15)]


Start = Callable[..., str]


@pytest.fixture
def start(environment: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Start a worker that does not start; what it says."""
    monkeypatch.delenv("PYTHONPATH", raising=False)

    def start(*, python: str = str(environment / "python"), cwd: Path = WORKER, **variables: str) -> str:
        with program(python, "worker.py", cwd=cwd, DB_CONNECT_TIMEOUT="1", **variables) as worker:
            assert worker.ended() != 0
            return "\n".join(worker.lines)

    return start


def named_on_the_page(fragment: str) -> str:
    assert fragment in section("The worker does not start")
    return fragment


def test_without_an_address_the_variable_is_named(start: Start) -> None:
    assert named_on_the_page("rowcrew: DATABASE_URL is not set: ") in start()


def test_a_host_of_another_network_is_told_as_such(start: Start) -> None:
    told = start(DATABASE_URL="postgresql://a:b@dpg-example-a.invalid/mydb")
    assert named_on_the_page("❌ Failed to connect to database") in told
    assert named_on_the_page("failed to resolve host") in told


def test_a_database_that_does_not_answer_is_told_as_such(start: Start) -> None:
    told = start(DATABASE_URL=f"postgresql://a:b@127.0.0.1:{free_port()}/mydb")
    assert named_on_the_page("Connection refused") in told


def test_a_wrong_password_is_told_as_such(start: Start, empty_url: str) -> None:
    told = start(DATABASE_URL=re.sub(r"//(\w+)(:[^@]*)?@", r"//\1:wrong@", empty_url))
    assert named_on_the_page("password authentication failed") in told


def test_a_database_without_tables_is_told_as_such(start: Start, empty_url: str) -> None:
    told = start(DATABASE_URL=empty_url)
    assert named_on_the_page("❌ Worker failed to start: the database has no schema, ") in told


def test_a_wrong_root_directory_is_told_by_python(start: Start) -> None:
    told = start(cwd=ROOT)
    assert named_on_the_page("can't open file") in told


def test_a_build_without_requirements_is_told_by_python(start: Start, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    assert named_on_the_page("No module named 'cyclopts'") in start(python=str(tmp_path / "bin" / "python"))


def test_a_wrong_requirements_file_is_told_by_pip(environment: Path) -> None:
    wrong = [str(environment / "pip"), "install", "-r", "python-worker/requirements.txt"]
    told = subprocess.run(wrong, cwd=WORKER, text=True, capture_output=True, env=clean_environment())
    assert named_on_the_page("Could not open requirements file") in told.stderr
