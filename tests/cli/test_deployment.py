"""`rowcrew doctor --deploy`: the checklist of the Render page, ticked where a program can see."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from rig.programs import ROOT
from rowcrew.admin.check import Check, Findings
from rowcrew.admin.deployment import POINTS, Checkout, blueprint_of, checkout, points
from rowcrew.admin.sameness import Place
from rowcrew.bundled.files.settings import FileSettings
from rowcrew.cli.doctor import doctor
from rowcrew.cli.wording import worded
from rowcrew.settings import Platform, Settings, platform
from rowcrew.table.rows import CompletedJob, Server

PAGE = (ROOT / "docs" / "deploy" / "render.md").read_text()
HERE = Platform(is_render=False, service_type=None, python_version=None, is_unbuffered=False)
RENDER = Platform(is_render=True, service_type="worker", python_version="3.13.5", is_unbuffered=True)
INTERNAL = Place("dpg-abc-a", "5432", "app", "app")
SERVER = Server("18.1", 180_001, "app", "app", datetime.now(UTC), "UTF8", False, "read committed", 97, 10)
ALONE = Checkout(Path("/src"), Path("/src"), None, False, ())


def findings(**changes: Any) -> Findings:
    """All is well: the doctor has reached a database that a worker serves."""
    values: dict[str, Any] = {
        "settings": Settings(),
        "files": FileSettings(),
        "place": INTERNAL,
        "server": SERVER,
        "schema": Check("schema", "ok", "at revision 4, as needed"),
        "live_workers": 1,
        "last_completed": CompletedJob(7, "report", 60.0),
        "producer": Check("--expect-url", "ok", "the same"),
    }
    return Findings(**{**values, **changes})


def point(number: int, found: Findings, on: Platform = RENDER, files: Checkout = ALONE) -> Check:
    return list(points(found, on, files))[number - 1]


def test_the_points_are_those_of_the_page() -> None:
    section = PAGE.partition("\n## Checklist\n")[2].partition("\n## ")[0]
    items = re.findall(r"^\d+\. (.*?)$(?=\n\d|\n*\Z)", section, re.MULTILINE | re.DOTALL)
    plain = [
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(item.split())).replace("`", "") for item in items
    ]
    assert plain == list(POINTS)


def test_on_render_where_all_is_well_a_program_sees_all_but_three_points() -> None:
    results = [check.result for check in points(findings(), RENDER, ALONE)]
    assert [number for number, result in enumerate(results, 1) if result != "ok"] == [1, 4, 14]
    assert "failed" not in results


def test_elsewhere_what_the_platform_knows_is_left_to_the_eyes() -> None:
    results = [check.result for check in points(findings(place=INTERNAL._replace(host="db")), HERE, ALONE)]
    assert [number for number, result in enumerate(results, 1) if result == "look"] == [
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        14,
    ]


def test_without_a_database_the_points_that_rest_on_it_fail() -> None:
    lost = findings(server=None, schema=None, live_workers=None, last_completed=None)
    failed = [n for n, check in enumerate(points(lost, RENDER, ALONE), 1) if check.result == "failed"]
    assert failed == [1, 8, 9]


@pytest.mark.parametrize(
    ("number", "changes", "on", "named"),
    [
        (2, {}, RENDER._replace(service_type="web"), "type web"),
        (5, {"producer": Check("--expect-url", "failed", "another database")}, RENDER, "another database"),
        (6, {}, RENDER._replace(python_version="3.13"), "PYTHON_VERSION is 3.13"),
        (6, {}, RENDER._replace(is_unbuffered=False), "PYTHONUNBUFFERED"),
        (8, {"schema": Check("schema", "failed", "the database has no schema")}, RENDER, "no schema"),
        (9, {"settings": Settings(concurrency=40)}, RENDER, "88 at most"),
        (9, {"live_workers": 6}, RENDER, "96 at most"),
        (10, {"files": FileSettings(aws_access_key_id="AKIA")}, RENDER, "one of the two keys"),
        (11, {"settings": Settings(shutdown_grace_seconds=26)}, RENDER, "Render's default"),
    ],
)
def test_what_is_wrong_fails_its_point(
    number: int, changes: dict[str, Any], on: Platform, named: str
) -> None:
    check = point(number, findings(**changes), on)
    assert check.result == "failed", check
    assert named in check.what
    assert check.name.startswith(f"{number}. ")


def test_more_slots_than_auto_would_choose_are_questioned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_CPU_COUNT", "0.5")
    assert point(7, findings(settings=Settings(concurrency=4))).result == "ok"
    assert point(7, findings(settings=Settings(concurrency=8))).result == "warning"


def test_a_missing_worker_or_job_is_the_next_thing_to_do() -> None:
    assert "start one" in worded(point(12, findings(live_workers=0)).remedies)
    assert "rowcrew why" in worded(point(13, findings(last_completed=None)).remedies)


def test_the_blueprint_is_read_as_yaml_reads_it() -> None:
    text = (ROOT / "render.yaml").read_text()
    [service] = yaml.safe_load(text)["services"]
    found = blueprint_of(text)
    assert found == {name: str(service[name]) for name in found}
    assert {"type", "buildCommand", "startCommand", "maxShutdownDelaySeconds"} <= set(found)
    assert blueprint_of("services:\n  - type: web\n    buildCommand: make\n") == {}


def test_this_checkout_is_one_and_its_blueprint_fits() -> None:
    files = checkout()
    assert (files.home, files.has_migrations) == (ROOT / "python-worker", True)
    check = point(4, findings(), RENDER, files)
    assert check.result == "ok"
    assert "build 'pip install -r python-worker/requirements.txt'" in check.what
    assert "start 'python python-worker/worker.py'" in check.what


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A repository of somebody's, with python-worker/ in it."""
    (tmp_path / "python-worker" / "rowcrew").mkdir(parents=True)
    for name in ("worker.py", "requirements.txt"):
        (tmp_path / "python-worker" / name).touch()
    return tmp_path


BLUEPRINT = """
services:
  - type: worker
    rootDir: {root}
    buildCommand: pip install -r requirements.txt
    startCommand: {start}
"""


@pytest.mark.parametrize(
    ("root", "start", "result", "named"),
    [
        ("python-worker", "python worker.py", "ok", "root directory python-worker"),
        (".", "python worker.py", "failed", "requirements.txt, worker.py"),
        ("python-worker", "python python-worker/worker.py", "failed", "python-worker/worker.py"),
    ],
)
def test_commands_that_do_not_fit_the_root_directory_are_found(
    site: Path, root: str, start: str, result: str, named: str
) -> None:
    (site / "render.yaml").write_text(BLUEPRINT.format(root=root, start=start))
    check = point(4, findings(), RENDER, checkout(site / "python-worker" / "rowcrew"))
    assert check.result == result, check
    assert named in check.what + worded(check.remedies)


def test_without_a_blueprint_the_commands_for_the_dashboard_are_told(site: Path) -> None:
    check = point(4, findings(), RENDER, checkout(site / "python-worker" / "rowcrew"))
    assert (check.result, "no render.yaml" in check.what) == ("look", True)
    assert "Root Directory python-worker" in worded(check.remedies)


def test_the_lock_file_of_another_tool_in_the_root_directory_is_found(site: Path) -> None:
    (site / "python-worker" / "poetry.lock").touch()
    check = point(4, findings(), RENDER, checkout(site / "python-worker" / "rowcrew"))
    assert (check.result, "poetry.lock" in check.what) == ("failed", True)


def test_an_installed_package_is_no_checkout(tmp_path: Path) -> None:
    check = point(4, findings(), RENDER, checkout(tmp_path / "rowcrew"))
    assert "rowcrew worker" in worded(check.remedies)


def test_the_platform_is_known_by_its_variables() -> None:
    assert platform({}) == HERE
    told = {
        "RENDER": "true",
        "RENDER_SERVICE_TYPE": "worker",
        "PYTHON_VERSION": "3.13.5",
        "PYTHONUNBUFFERED": "1",
    }
    assert platform(told) == RENDER


def test_the_checklist_follows_the_checks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert doctor(deploy=True) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[-14:]] == [f"{number}." for number in range(1, 15)]
    assert lines[0].startswith("✅ settings")
