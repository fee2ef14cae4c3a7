"""The three commands of render.yaml, run in a checkout with the Blueprint's own variables."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from rig.ports import free_port
from rig.programs import clean_environment, program
from rowcrew.table.compatibility import SCHEMA_REVISION
from tests.deploy.conftest import OPTION, REQUIREMENTS, ROOT, SIX_LINES, bare

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    [worker] = yaml.safe_load((ROOT / "render.yaml").read_text())["services"]
    return dict(worker)


@pytest.fixture
def variables(
    service: dict[str, Any], environment: Path, monkeypatch: pytest.MonkeyPatch, empty_url: str
) -> dict[str, str]:
    """What Render gives the commands: the fixed values, the database, and the programs of the build."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    fixed = {entry["key"]: entry["value"] for entry in service["envVars"] if "value" in entry}
    path = {"PATH": bare(environment)["PATH"]}
    return {**fixed, **path, "DATABASE_URL": empty_url, "RENDER_INSTANCE_ID": "1"}


def migrate(service: dict[str, Any], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shlex.split(service["preDeployCommand"]),
        cwd=ROOT,
        env=clean_environment(**variables),
        text=True,
        capture_output=True,
    )


def test_the_build_installs_the_file_that_the_dashboard_installs(service: dict[str, Any]) -> None:
    assert service["buildCommand"] == f"pip install -r {REQUIREMENTS.relative_to(ROOT)}"


def test_migrations_then_the_start_make_a_worker_that_works(
    service: dict[str, Any], variables: dict[str, str]
) -> None:
    migrated = migrate(service, variables)
    assert migrated.returncode == 0, migrated.stderr
    start = shlex.split(service["startCommand"])
    with program(*start, cwd=ROOT, **variables) as worker:
        worker.line("👥 Ready")
        with psycopg.connect(variables["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(OPTION)
        worker.line("✅ Job completed: 4711")
        assert worker.stop() == 0
    assert worker.lines[:6] == SIX_LINES


def test_the_next_deploy_migrates_again_and_finds_nothing_to_do(
    service: dict[str, Any], variables: dict[str, str]
) -> None:
    for _ in range(2):
        migrated = migrate(service, variables)
        assert migrated.returncode == 0, migrated.stderr
    with psycopg.connect(variables["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT revision FROM rowcrew_schema").fetchone() == (SCHEMA_REVISION,)


def test_a_migration_that_fails_fails_the_deploy(service: dict[str, Any], variables: dict[str, str]) -> None:
    nowhere = f"postgresql://boss@127.0.0.1:{free_port()}/jobs"
    assert migrate(service, variables | {"DATABASE_URL": nowhere}).returncode != 0


def test_an_interrupted_worker_leaves_within_the_delay_of_the_blueprint(service: dict[str, Any]) -> None:
    assert service["maxShutdownDelaySeconds"] >= 25 + 5  # SHUTDOWN_GRACE, and what comes after it
