"""render.yaml by the rules of Render's Blueprints, written by hand, as far as we use them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
REGIONS = {"frankfurt", "oregon", "ohio", "singapore", "virginia"}
SERVICE_FIELDS = {
    *("type", "name", "runtime", "plan", "region", "buildCommand", "preDeployCommand", "startCommand"),
    *("maxShutdownDelaySeconds", "buildFilter", "envVars"),
}
DATABASE_FIELDS = {"name", "plan", "region", "postgresMajorVersion", "ipAllowList"}


@pytest.fixture(scope="module")
def blueprint() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "render.yaml").read_text())
    return loaded


@pytest.fixture
def worker(blueprint: dict[str, Any]) -> dict[str, Any]:
    [service] = blueprint["services"]
    return dict(service)


@pytest.fixture
def database(blueprint: dict[str, Any]) -> dict[str, Any]:
    [database] = blueprint["databases"]
    return dict(database)


@pytest.fixture
def variables(worker: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        entry["key"]: {name: value for name, value in entry.items() if name != "key"}
        for entry in worker["envVars"]
    }


def test_only_fields_that_a_blueprint_knows_are_used(
    blueprint: dict[str, Any], worker: dict[str, Any], database: dict[str, Any]
) -> None:
    assert set(blueprint) == {"databases", "services"}
    assert set(worker) == SERVICE_FIELDS
    assert set(database) == DATABASE_FIELDS


def test_worker_and_database_are_in_the_same_region(worker: dict[str, Any], database: dict[str, Any]) -> None:
    assert worker["region"] == database["region"] == "oregon"
    assert worker["region"] in REGIONS


def test_the_worker_is_a_python_background_worker_on_a_paid_plan(worker: dict[str, Any]) -> None:
    assert (worker["type"], worker["runtime"], worker["plan"]) == ("worker", "python", "starter")
    assert 1 <= worker["maxShutdownDelaySeconds"] <= 300


def test_the_database_has_a_current_plan_and_no_open_door(database: dict[str, Any]) -> None:
    assert database["plan"] == "basic-256mb"
    assert database["postgresMajorVersion"] == "17"
    assert database["ipAllowList"] == []


def test_migrations_run_before_the_deploy_as_one_command_without_a_shell(worker: dict[str, Any]) -> None:
    assert worker["preDeployCommand"] == "alembic upgrade heads"
    assert (ROOT / "alembic.ini").exists()


def test_the_commands_name_files_that_exist(worker: dict[str, Any]) -> None:
    assert worker["buildCommand"] == "pip install -r python-worker/requirements.txt"
    assert worker["startCommand"] == "python python-worker/worker.py"
    assert (ROOT / "python-worker" / "requirements.txt").exists()
    assert (ROOT / "python-worker" / "worker.py").exists()


def test_every_path_that_triggers_a_build_exists(worker: dict[str, Any]) -> None:
    for pattern in worker["buildFilter"]["paths"]:
        assert list(ROOT.glob(pattern)), pattern


def test_every_variable_has_exactly_one_source(
    variables: dict[str, dict[str, Any]], database: dict[str, Any]
) -> None:
    for name, source in variables.items():
        assert len(source) == 1, name
        assert isinstance(source.get("value", ""), str), f"{name}: quote the value"
    assert variables["DATABASE_URL"] == {
        "fromDatabase": {"name": database["name"], "property": "connectionString"}
    }
    assert variables["ENCRYPTION_KEY"] == {"generateValue": True}
    for secret in ("S3_BUCKET_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert variables[secret] == {"sync": False}


def test_the_fixed_variables_have_their_values(variables: dict[str, dict[str, Any]]) -> None:
    fixed = {name: source["value"] for name, source in variables.items() if "value" in source}
    assert fixed == {
        "PYTHON_VERSION": "3.13.5",
        "PYTHONUNBUFFERED": "1",
        "WORKER_ID": "render-worker-{instance}",
        "WORKER_CONCURRENCY": "4",
        "AWS_REGION": "us-east-1",
    }
