"""The launcher `ecs` alone: what RunTask is asked for, and what its answers mean."""

from __future__ import annotations

import pytest

from rig.amazon import Amazon
from rig.aws_models import input_shape, problems
from rowcrew.settings.launchers import EcsSettings
from rowcrew.spawn.launcher import LaunchFailed, PlaceFailed
from rowcrew.spawn.launchers.ecs import EcsLauncher, run_task
from tests.launchers.places import environment_for, launch


def ecs(aws: Amazon, **changes: str) -> EcsLauncher:
    return EcsLauncher(EcsSettings.read(environment_for(aws, **changes)))


def test_a_task_is_asked_for_with_token_and_sender(aws: Amazon) -> None:
    wanted = launch()
    ecs(aws, LAUNCHER_LABEL="acme", LAUNCHER_ECS_PUBLIC_IP="true").start(wanted)
    asked = aws.asked("RunTask")[-1]
    assert asked["clientToken"] == wanted.boot_id
    assert asked["startedBy"] == "rowcrew-spawner/acme"
    assert (asked["cluster"], asked["taskDefinition"], asked["launchType"]) == (
        "rowcrew",
        "rowcrew-worker",
        "FARGATE",
    )
    assert asked["networkConfiguration"] == {
        "awsvpcConfiguration": {"subnets": [aws.subnet], "assignPublicIp": "ENABLED"}
    }


@pytest.mark.parametrize(
    ("cpu", "memory", "size"),
    [
        (None, None, None),
        (1, 2**30, ("1024", "2048")),
        (0.1, None, ("256", "512")),
        (None, 600 * 2**20, ("256", "1024")),
        (0.3, 5 * 2**30, ("1024", "5120")),
        (8, 17 * 2**30, ("8192", "20480")),
    ],
)
def test_a_size_is_rounded_up_to_one_that_fargate_has(
    aws: Amazon, cpu: float | None, memory: int | None, size: tuple[str, str] | None
) -> None:
    ecs(aws).start(launch(cpu=cpu, memory=memory))
    overrides = aws.asked("RunTask")[-1]["overrides"]
    assert (overrides.get("cpu"), overrides.get("memory")) == (size or (None, None))


def test_a_size_that_fargate_has_not_is_told(aws: Amazon) -> None:
    with pytest.raises(LaunchFailed, match="the largest has 16 cores and 122880 MiB"):
        ecs(aws).start(launch(cpu=17))


def test_instances_give_the_size_as_it_is() -> None:
    settings = EcsSettings(region="us-east-1", definition="rowcrew-worker", capacity="my-instances")
    asked = run_task(settings, launch(memory=300 * 2**20))
    assert list(problems(input_shape("ecs", "RunTask"), asked)) == []
    assert asked["capacityProviderStrategy"] == [{"capacityProvider": "my-instances", "weight": 1}]
    assert "launchType" not in asked
    assert asked["overrides"]["memory"] == "300"
    assert "cpu" not in asked["overrides"]


def test_a_worker_that_was_started_under_other_settings_is_found_by_its_token(aws: Amazon) -> None:
    wanted = launch()
    handle = ecs(aws).start(wanted)
    assert ecs(aws, LAUNCHER_ECS_SUBNETS="subnet-0f0f0f0f").start(wanted) == handle


def test_failures_in_a_well_meant_answer_are_a_failed_start(aws: Amazon) -> None:
    aws.failures = [{"arn": "arn:aws:ecs:…:container-instance/1", "reason": "RESOURCE:CPU", "detail": "full"}]
    with pytest.raises(LaunchFailed, match="RESOURCE:CPU full; no instance of the cluster has room: add"):
        ecs(aws).start(launch())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"LAUNCHER_ECS_CLUSTER": "elsewhere"}, "ClusterNotFoundException.*correct LAUNCHER_ECS_CLUSTER"),
        ({"LAUNCHER_ECS_TASK_DEFINITION": "no-{queue}"}, "Unable to describe task definition"),
        ({"LAUNCHER_ECS_CONTAINER": "main"}, "main is not a container in the TaskDefinition"),
    ],
)
def test_what_the_settings_name_and_ecs_has_not_is_told(
    aws: Amazon, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(LaunchFailed, match=words):
        ecs(aws, **changes).start(launch())


def test_the_address_of_a_bucket_is_not_that_of_ecs(aws: Amazon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert ecs(aws).start(launch())


def test_a_refusal_to_stop_is_told(aws: Amazon) -> None:
    with pytest.raises(PlaceFailed, match="ClusterNotFoundException"):
        ecs(aws, LAUNCHER_ECS_CLUSTER="elsewhere").running()
