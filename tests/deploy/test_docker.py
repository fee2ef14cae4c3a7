"""The images and the compose file: linted, parsed by the specification, built without an engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from compose_spec import PyCompose

from rig.ports import free_port
from rig.programs import clean_environment, program
from rig.waiting import eventually
from rowcrew.settings import Settings
from tests.deploy.conftest import OPTION, ROOT, bare
from tests.deploy.dockerfile import instructions, replay, stages
from tests.deploy.project import DEPLOY

DOCKER = DEPLOY / "docker"
IMAGES = ("Dockerfile", "Dockerfile.worker")


def stage(name: str) -> list[tuple[str, str]]:
    """The instructions of a stage of the Dockerfile."""
    (found,) = [
        each for each in stages((DOCKER / "Dockerfile").read_text()) if each[0][1].endswith(f" AS {name}")
    ]
    return found


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
    said = {word: rest for word, rest in stage("worker") if word != "ENV"}
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


def test_what_is_built_without_a_target_is_the_worker() -> None:
    *_, last = stages((DOCKER / "Dockerfile").read_text())
    assert last == [("FROM", "worker")]


def test_the_compose_file_is_as_the_specification_has_it() -> None:
    PyCompose.from_yaml(yaml.safe_dump(compose())).validate()


PROFILES = {
    "inprocess": {"api-with-worker": 1},
    "separate": {"api": 1, "worker": 2, "cost-collection-worker": 1},
    "scaled": {"scaled-api": 3, "scaled-worker": 5, "cost-collection-worker": 1},
}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_has_its_applications_and_workers(profile: str) -> None:
    services = {
        name: service.get("deploy", {}).get("replicas", 1)
        for name, service in compose()["services"].items()
        if profile in service.get("profiles", [])
    }
    assert services == PROFILES[profile]


def test_each_replica_of_an_application_finds_a_port() -> None:
    for service in compose()["services"].values():
        for ports in service.get("ports", []):
            first, _, last = ports["published"].partition("-")
            replicas = service.get("deploy", {}).get("replicas", 1)
            assert (int(first), int(last or first) - int(first) + 1) == (8000, replicas)


def test_the_application_leaves_its_worker_to_others_unless_the_profile_is_inprocess() -> None:
    without = {
        name
        for name, service in compose()["services"].items()
        if service.get("command") == ["--lifespan", "off"]
    }
    assert without == {"api", "scaled-api"}


def test_the_settings_for_one_machine_choose_a_profile_that_has_what_the_page_looks_at() -> None:
    assert settings_for_one_machine()["COMPOSE_PROFILES"] == "separate"
    assert "worker" in PROFILES["separate"]


def test_workers_begin_when_the_tables_are_there_and_have_time_to_leave() -> None:
    services = compose()["services"]
    assert services["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    for name in set(services) - {"db", "migrate"}:
        service = services[name]
        assert service["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
        assert int(service["stop_grace_period"].removesuffix("s")) >= Settings().shutdown_grace_seconds + 5
        assert "WORKER_ID" not in service.get("environment", {}), "replicas would share a name"
        assert service["read_only"]
        assert service["tmpfs"] == ["/tmp"]


def settings_for_one_machine() -> dict[str, str]:
    lines = [line for line in (DOCKER / ".env.dev").read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def test_the_settings_for_one_machine_reach_the_database_of_the_compose_file() -> None:
    db = compose()["services"]["db"]["environment"]
    assert settings_for_one_machine()["DATABASE_URL"] == (
        f"postgresql://{db['POSTGRES_USER']}:{db['POSTGRES_PASSWORD']}@db/{db['POSTGRES_DB']}"
    )


def test_the_context_holds_what_is_copied_and_nothing_else_of_weight() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for word, rest in instructions((DOCKER / "Dockerfile").read_text())
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert {source.partition("/")[0] for source in copied} == kept


def built(folder: Path, *names: str) -> Path:
    """The folder that these stages of the Dockerfile leave, made with this Python."""
    path = f"{Path(sys.base_prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"
    for name in names:
        replay(stage(name), ROOT, folder, {**bare(), "PATH": path})
    return folder


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("image"), "build")


@pytest.fixture(scope="module")
def image_of_application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("application"), "build", "build-api")


def words(name: str, *words: str) -> list[str]:
    """What an image's entry point, command and the like say, one after the other."""
    said = dict(stage(name))
    return [part for word in words for part in json.loads(said[word])]


@pytest.mark.long
def test_what_the_image_holds_migrates_works_and_is_healthy(image: Path, empty_url: str) -> None:
    assert ("COPY", "--from=build /opt/rowcrew /opt/rowcrew") in stage("worker")
    programs = image / "opt" / "rowcrew" / "bin"
    variables = {"PATH": f"{programs}:/usr/bin:/bin", "DATABASE_URL": empty_url}
    entry, environment = words("worker", "ENTRYPOINT"), clean_environment(**variables)
    migrated = subprocess.run([*entry, "migrate"], cwd=image, env=environment, capture_output=True, text=True)
    assert migrated.returncode == 0, migrated.stderr
    with program(*entry, *words("worker", "CMD"), cwd=image, **variables) as worker:
        worker.line("👥 Ready")
        assert subprocess.run([*entry, "healthcheck"], env=environment).returncode == 0
        with psycopg.connect(empty_url, autocommit=True) as connection:
            connection.execute(OPTION)
        worker.line("✅ Job completed: 4711")
        assert worker.stop() == 0


@pytest.mark.long
@pytest.mark.parametrize("service", ["api-with-worker", "api"])
def test_the_image_of_an_application_serves_its_api_with_a_worker_inside_or_beside_it(
    image_of_application: Path, database_url: str, service: str
) -> None:
    assert ("COPY", "--from=build-api /opt/rowcrew /opt/rowcrew") in stage("api")
    assert ("COPY", "examples/crew.py examples/fastapi_lifespan.py ./") in stage("api")
    said = compose()["services"][service]
    port = free_port()
    variables = {
        "PATH": f"{image_of_application / 'opt' / 'rowcrew' / 'bin'}:/usr/bin:/bin",
        "DATABASE_URL": database_url,
    }
    folder = ROOT / "examples"
    command = [*words("api", "ENTRYPOINT"), *said.get("command", []), "--port", str(port)]
    with ExitStack() as running:
        web = running.enter_context(program(*command, cwd=folder, **variables))
        web.line("INFO:     Uvicorn running on")
        if service == "api":
            beside = compose()["services"]["worker"]
            worker = [*beside["entrypoint"], *beside["command"]]
            running.enter_context(program(*worker, cwd=folder, **variables)).line("👥 Ready")
        job = enqueued(port)
        with psycopg.connect(database_url, autocommit=True) as connection:
            status = "SELECT status FROM jobs WHERE id = %s"
            eventually(lambda: connection.execute(status, [job]).fetchone() == ("completed",))
            workers = connection.execute("SELECT pid FROM workers").fetchall()
        assert (workers == [(web.process.pid,)]) == (service == "api-with-worker")
        test, *check = said["healthcheck"]["test"]
        check = [word.replace("8000", str(port)) for word in check]
        assert (test, subprocess.run(check, env=clean_environment(**variables)).returncode) == ("CMD", 0)


def enqueued(port: int) -> int:
    """A job that the example's API has taken."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/texts?text=One", method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(json.load(answer)["job"])
