"""The files of deploy/aws: by AWS's own models and linter, and both descriptions of the functions are one."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from compose_spec import PyCompose

from rig.aws_models import input_shape, problems
from rig.cloudformation import loaded
from rowcrew import cli
from rowcrew.bundled.announcements import family
from tests.deploy.project import DEPLOY

FOLDER = DEPLOY / "aws"
BIN = Path(sys.prefix) / "bin"


class Function(NamedTuple):
    """What both descriptions say of a function."""

    handler: str
    timeout: int
    memory: int
    concurrency: int
    retries: int
    environment: dict[str, str]


def of_sam() -> dict[str, Function]:
    template = loaded("lambda.yaml")
    common = template["Globals"]["Function"]
    found = {}
    for resource in template["Resources"].values():
        given = {**common, **resource["Properties"]}
        [handler] = given["ImageConfig"]["Command"]
        found[given["FunctionName"]] = Function(
            handler,
            given["Timeout"],
            given["MemorySize"],
            given["ReservedConcurrentExecutions"],
            given["EventInvokeConfig"]["MaximumRetryAttempts"],
            {**common["Environment"]["Variables"], **resource["Properties"]["Environment"]["Variables"]},
        )
    return found


def of_serverless() -> dict[str, Function]:
    description = loaded("serverless.yml")
    found = {}
    for given in description["functions"].values():
        [handler] = given["image"]["command"]
        found[given["name"]] = Function(
            handler,
            given["timeout"],
            given["memorySize"],
            given["reservedConcurrency"],
            given["maximumRetryAttempts"],
            {**description["provider"]["environment"], **given["environment"]},
        )
    return found


FUNCTIONS = of_sam()


def test_the_linter_of_cloudformation_finds_nothing() -> None:
    linted = subprocess.run([BIN / "cfn-lint", FOLDER / "lambda.yaml"], capture_output=True, text=True)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_sam_and_serverless_describe_the_same_functions() -> None:
    def without_address(function: Function) -> Function:
        kept = {name: value for name, value in function.environment.items() if name != "DATABASE_URL"}
        return function._replace(environment=kept)

    sam, serverless = of_sam(), of_serverless()
    assert {name: without_address(one) for name, one in sam.items()} == {
        name: without_address(one) for name, one in serverless.items()
    }
    assert all("DATABASE_URL" in one.environment for one in (*sam.values(), *serverless.values()))


def test_the_spawner_comes_once_a_minute() -> None:
    assert loaded("serverless.yml")["functions"]["spawner"]["events"] == [{"schedule": "rate(1 minute)"}]
    [event] = loaded("lambda.yaml")["Resources"]["SpawnerFunction"]["Properties"]["Events"].values()
    assert event["Properties"]["ScheduleExpression"] == "rate(1 minute)"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_handler_of_a_function_takes_event_and_context(name: str) -> None:
    module, _, handler = FUNCTIONS[name].handler.rpartition(".")
    assert len(inspect.signature(getattr(import_module(module), handler)).parameters) == 2


def test_a_worker_s_function_is_as_long_and_as_often_there_as_its_queue_says() -> None:
    presets = {one.queue: [one.max_runtime_seconds, one.max_concurrent] for one in family.queues}
    spawner = FUNCTIONS["rowcrew-spawner"]
    workers = {name: one for name, one in FUNCTIONS.items() if "JOB_QUEUE_NAME" in one.environment}
    assert len(workers) == 3
    for name, one in workers.items():
        queue = one.environment["JOB_QUEUE_NAME"]
        assert [one.timeout, one.concurrency] == presets[queue]
        assert name == spawner.environment["LAUNCHER_LAMBDA_FUNCTION"].replace("{queue}", queue)


@pytest.mark.parametrize(
    ("file", "service", "operation"),
    [
        ("ecs-task-definition.json", "ecs", "RegisterTaskDefinition"),
        ("spawner-task-definition.json", "ecs", "RegisterTaskDefinition"),
        ("batch-job-definition.json", "batch", "RegisterJobDefinition"),
    ],
)
def test_a_definition_is_what_aws_takes(file: str, service: str, operation: str) -> None:
    definition = json.loads((FOLDER / file).read_text())
    assert list(problems(input_shape(service, operation), definition)) == []
    containers = definition.get("containerDefinitions") or [definition["containerProperties"]]
    for container in containers:
        cli._app().parse_args(container["command"], exit_on_error=False, print_error=False)
    if service == "ecs":
        assert (definition["cpu"], definition["memory"]) == ("256", "512")


def test_the_spawner_of_the_compose_file_is_all_that_stays() -> None:
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (FOLDER / "docker-compose.aws.yml").read_text())
    document = yaml.safe_load(text)
    services = document["services"]
    parts = {name: part for name, part in document.items() if not name.startswith("x-")}
    PyCompose.from_yaml(yaml.safe_dump(parts)).validate()
    assert [name for name, one in services.items() if one["restart"] != "no"] == ["spawner"]
    for one in services.values():
        cli._app().parse_args(one["command"], exit_on_error=False, print_error=False)


def test_a_linter_finds_nothing_in_the_image_of_the_functions() -> None:
    linted = subprocess.run(
        [BIN / "hadolint", "--no-color", FOLDER / "Dockerfile.lambda"], text=True, capture_output=True
    )
    assert linted.returncode == 0, linted.stdout
