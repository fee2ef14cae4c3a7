"""The spawner's policy in deploy/aws allows what the launchers ask AWS for, and nothing besides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from rig.amazon import TEMPLATES, Amazon, Call
from rig.cloudformation import loaded
from rowcrew.settings.launchers import LambdaSettings
from rowcrew.spawn.launchers.lambda_ import invoke
from tests.launchers.places import OnBatch, OnEcs, OnLambda, launch

HERE = "us-east-1:123456789012"
CLUSTER = f"arn:aws:ecs:{HERE}:cluster/rowcrew"
POLICY: list[dict[str, Any]] = json.loads((TEMPLATES / "spawner-policy.json").read_text())["Statement"]
ROLES = [f"arn:aws:iam::123456789012:role/{name}" for name in ("rowcrew-execution", "rowcrew-worker")]


def asked_for(call: Call) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The actions that AWS checks for a call, each with its resource and what conditions may look at."""
    given = call.parameters
    of_the_cluster = {"ecs:cluster": CLUSTER}
    match call.operation:
        case "RunTask":
            definition = f"arn:aws:ecs:{HERE}:task-definition/{given['taskDefinition']}:1"
            yield "ecs:RunTask", definition, of_the_cluster
            for role in ROLES:
                yield "iam:PassRole", role, {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
        case "ListTasks":
            yield "ecs:ListTasks", "*", of_the_cluster
        case "StopTask":
            yield "ecs:StopTask", given["task"], of_the_cluster
        case "SubmitJob":
            yield "batch:SubmitJob", f"arn:aws:batch:{HERE}:job-definition/{given['jobDefinition']}:1", {}
            yield "batch:SubmitJob", f"arn:aws:batch:{HERE}:job-queue/{given['jobQueue']}", {}
        case "ListJobs":
            yield "batch:ListJobs", "*", {}
        case "TerminateJob":
            yield "batch:TerminateJob", f"arn:aws:batch:{HERE}:job/{given['jobId']}", {}
        case "Invoke":
            yield "lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:{given['FunctionName']}", {}


def allows(statement: dict[str, Any], action: str, resource: str, seen: dict[str, str]) -> bool:
    resources = statement["Resource"]
    conditions = [pair for test in statement.get("Condition", {}).values() for pair in test.items()]
    return (
        action == statement["Action"]
        and any(
            fnmatchcase(resource, one) for one in ([resources] if isinstance(resources, str) else resources)
        )
        and all(seen.get(key) == value for key, value in conditions)
    )


@pytest.fixture
def asked(aws: Amazon) -> list[tuple[str, str, dict[str, str]]]:
    """What every launcher of AWS asks for in a worker's life."""
    before = len(aws.calls)
    for place in (OnEcs(aws), OnBatch(aws), OnLambda(aws)):
        launcher = place.launcher
        handle = launcher.start(launch())
        launcher.running()
        launcher.end(handle)
    shown = {"RunTask", "ListTasks", "StopTask", "SubmitJob", "ListJobs", "TerminateJob", "Invoke"}
    calls = aws.calls[before:]
    assert {call.operation for call in calls} == shown
    return [one for call in calls for one in asked_for(call)]


def test_the_policy_allows_every_call(asked: list[tuple[str, str, dict[str, str]]]) -> None:
    refused = [one for one in asked if not any(allows(statement, *one) for statement in POLICY)]
    assert refused == []


def test_every_statement_is_needed(asked: list[tuple[str, str, dict[str, str]]]) -> None:
    idle = [one["Sid"] for one in POLICY if not any(allows(one, *call) for call in asked)]
    assert idle == []


def test_the_policy_does_not_reach_other_clusters_or_roles() -> None:
    elsewhere = {"ecs:cluster": f"arn:aws:ecs:{HERE}:cluster/billing"}
    definition = f"arn:aws:ecs:{HERE}:task-definition/rowcrew-worker:1"
    admin = (
        "iam:PassRole",
        "arn:aws:iam::123456789012:role/admin",
        {"iam:PassedToService": "ecs-tasks.amazonaws.com"},
    )
    for call in (("ecs:RunTask", definition, elsewhere), admin):
        assert not any(allows(statement, *call) for statement in POLICY)


def of_the_spawner_s_function(description: str) -> list[dict[str, Any]]:
    """What the spawner may do as a function itself, with every name resolved."""
    if description == "serverless.yml":
        return list(loaded(description)["provider"]["iam"]["role"]["statements"])
    resources = loaded(description)["Resources"]
    [policy] = resources["SpawnerFunction"]["Properties"]["Policies"]
    names = {f"{name}.Arn": one["Properties"]["FunctionName"] for name, one in resources.items()}
    return [
        {
            **statement,
            "Resource": [{"Sub": f"{FUNCTION_ARN}{names[one['GetAtt']]}"} for one in statement["Resource"]],
        }
        for statement in policy["Statement"]
    ]


FUNCTION_ARN = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"


@pytest.mark.parametrize("description", ["serverless.yml", "lambda.yaml"])
def test_a_spawner_that_is_a_function_may_invoke_the_workers_functions_and_nothing_else(
    description: str,
) -> None:
    settings = LambdaSettings(function="rowcrew-{queue}", region="us-east-1")
    queues = ("ai_processing", "supabase_upload", "investor_processing")
    calls = [Call("lambda", "Invoke", invoke(settings, launch(queue=queue))) for queue in queues]
    asked = [one for call in calls for one in asked_for(call)]
    [statement] = of_the_spawner_s_function(description)
    here = f"arn:aws:lambda:{HERE}:function:"
    allowed = [one["Sub"].replace(FUNCTION_ARN, here) for one in statement["Resource"]]
    given = {**statement, "Resource": allowed}
    assert all(allows(given, *one) for one in asked)
    assert len(allowed) == len(asked)
    itself = Call("lambda", "Invoke", {"FunctionName": "rowcrew-spawner"})
    assert not any(allows(given, *one) for one in asked_for(itself))


def test_a_worker_may_protect_its_own_task_and_nothing_else() -> None:
    [statement] = json.loads((TEMPLATES / "worker-policy.json").read_text())["Statement"]
    assert allows(statement, "ecs:UpdateTaskProtection", f"arn:aws:ecs:{HERE}:task/rowcrew/0123", {})
    assert not allows(statement, "ecs:UpdateTaskProtection", f"arn:aws:ecs:{HERE}:task/billing/0123", {})
