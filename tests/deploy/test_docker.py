"""The images and the compose file: linted, parsed by the specification, built without an engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from compose_spec import PyCompose

from rig.programs import clean_environment, program
from rowcrew.settings import Settings
from tests.deploy.conftest import OPTION, ROOT, bare
from tests.deploy.dockerfile import instructions, replay, stages
from tests.deploy.project import DEPLOY

DOCKER = DEPLOY / "docker"
IMAGES = ("Dockerfile", "Dockerfile.worker")


def compose(**variables: str) -> dict[str, Any]:
    """The compose file with these variables: defaults filled in, merge keys applied."""
    text = (DOCKER / "docker-compose.yml").read_text()
    filled = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: variables.get(found[1], found[2]), text)
    document: dict[str, Any] = yaml.safe_load(filled)
    return {name: part for name, part in document.items() if not name.startswith("x-")}


@pytest.mark.parametrize("name", IMAGES)
def test_a_linter_finds_nothing_that_matters(name: str) -> None:
    # Several RUN lines are layers of their own on purpose: sources change more often than libraries.
    linter = [str(Path(sys.prefix) / "bin" / "hadolint"), "--ignore", "DL3059", "--no-color"]
    linted = subprocess.run([*linter, DOCKER / name], text=True, capture_output=True)
    assert linted.returncode == 0, linted.stdout


def test_the_image_runs_the_worker_without_a_shell_and_not_as_root() -> None:
    _, last = stages((DOCKER / "Dockerfile").read_text())
    said = {word: rest for word, rest in last if word != "ENV"}
    assert json.loads(said["ENTRYPOINT"]) == ["rowcrew"]
    assert json.loads(said["CMD"]) == ["worker"]
    assert int(said["USER"]) > 0
    assert said["STOPSIGNAL"] == "SIGTERM"
    options, _, command = said["HEALTHCHECK"].partition(" CMD ")
    assert json.loads(command) == ["rowcrew", "healthcheck"]
    assert "--start-period=20s" in options


def test_an_image_for_one_queue_takes_its_name() -> None:
    said = list(instructions((DOCKER / "Dockerfile.worker").read_text()))
    assert ("FROM", "${BASE}") in said
    assert ("ENV", "WORKER_QUEUES=${QUEUE}") in said


@pytest.mark.parametrize("variables", [{}, {"WORKERS": "5"}])
def test_the_compose_file_is_as_the_specification_has_it(variables: dict[str, str]) -> None:
    document = compose(**variables)
    PyCompose.from_yaml(yaml.safe_dump(document)).validate()
    assert document["services"]["worker"]["deploy"]["replicas"] == int(variables.get("WORKERS", 2))


def test_workers_begin_when_the_tables_are_there_and_have_time_to_leave() -> None:
    services = compose()["services"]
    assert services["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    for name in ("worker", "cost-collection-worker"):
        service = services[name]
        assert service["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
        assert int(service["stop_grace_period"].removesuffix("s")) >= Settings().shutdown_grace_seconds + 5
        assert "WORKER_ID" not in service.get("environment", {}), "replicas would share a name"
        assert service["read_only"]
        assert service["tmpfs"] == ["/tmp"]


def test_the_settings_for_one_machine_reach_the_database_of_the_compose_file() -> None:
    lines = [line for line in (DOCKER / ".env.dev").read_text().splitlines() if line and line[0] != "#"]
    settings = dict(line.split("=", 1) for line in lines)
    db = compose()["services"]["db"]["environment"]
    assert settings["DATABASE_URL"] == (
        f"postgresql://{db['POSTGRES_USER']}:{db['POSTGRES_PASSWORD']}@db/{db['POSTGRES_DB']}"
    )


def test_the_context_holds_what_is_copied_and_nothing_else_of_weight() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    first, _ = stages((DOCKER / "Dockerfile").read_text())
    copied = {source for word, rest in first if word == "COPY" for source in rest.split()[:-1]}
    assert {source.partition("/")[0] for source in copied} == kept


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the first stage of the Dockerfile leaves, made with this Python."""
    folder = tmp_path_factory.mktemp("image")
    first, _ = stages((DOCKER / "Dockerfile").read_text())
    path = f"{Path(sys.base_prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"
    replay(first, ROOT, folder, {**bare(), "PATH": path})
    return folder


@pytest.mark.long
def test_what_the_image_holds_migrates_works_and_is_healthy(image: Path, empty_url: str) -> None:
    _, last = stages((DOCKER / "Dockerfile").read_text())
    (copied,) = [rest for word, rest in last if word == "COPY"]
    assert copied == "--from=build /opt/rowcrew /opt/rowcrew"
    programs = image / "opt" / "rowcrew" / "bin"
    variables = {"PATH": f"{programs}:/usr/bin:/bin", "DATABASE_URL": empty_url}
    said = {word: json.loads(rest) for word, rest in last if word in ("ENTRYPOINT", "CMD")}
    migrate, environment = [*said["ENTRYPOINT"], "migrate"], clean_environment(**variables)
    migrated = subprocess.run(migrate, cwd=image, env=environment, capture_output=True, text=True)
    assert migrated.returncode == 0, migrated.stderr
    with program(*said["ENTRYPOINT"], *said["CMD"], cwd=image, **variables) as worker:
        worker.line("👥 Ready")
        health = [*said["ENTRYPOINT"], "healthcheck"]
        assert subprocess.run(health, env=environment).returncode == 0
        with psycopg.connect(empty_url, autocommit=True) as connection:
            connection.execute(OPTION)
        worker.line("✅ Job completed: 4711")
        assert worker.stop() == 0
