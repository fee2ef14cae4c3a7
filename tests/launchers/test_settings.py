"""A launcher that cannot start anything says which variable is missing or wrong, and what to give."""

from __future__ import annotations

import pytest

from rowcrew.model.errors import SettingsError
from rowcrew.settings.launchers import (
    LAUNCHER_VARIABLES,
    BatchSettings,
    EcsSettings,
    KubernetesSettings,
    LambdaSettings,
    LauncherSettings,
    RenderSettings,
)
from rowcrew.settings.variables import VARIABLES
from rowcrew.spawn.launchers.named import launcher_named

ECS = {
    "AWS_REGION": "us-east-1",
    "LAUNCHER_ECS_TASK_DEFINITION": "rowcrew-worker",
    "LAUNCHER_ECS_SUBNETS": "subnet-0a1b",
}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        (EcsSettings, ["LAUNCHER_AWS_REGION", "LAUNCHER_ECS_TASK_DEFINITION", "LAUNCHER_ECS_SUBNETS"]),
        (BatchSettings, ["LAUNCHER_AWS_REGION", "LAUNCHER_BATCH_QUEUE", "LAUNCHER_BATCH_DEFINITION"]),
        (LambdaSettings, ["LAUNCHER_AWS_REGION", "LAUNCHER_LAMBDA_FUNCTION"]),
        (KubernetesSettings, ["LAUNCHER_KUBERNETES_TEMPLATE"]),
        (RenderSettings, ["LAUNCHER_RENDER_SERVICE", "LAUNCHER_RENDER_API_KEY"]),
    ],
)
def test_all_that_is_missing_is_named_at_once(settings: type[LauncherSettings], names: list[str]) -> None:
    with pytest.raises(SettingsError) as failed:
        settings.read({})
    complaints = failed.value.complaints
    assert sorted(one.partition(" ")[0] for one in complaints) == sorted(names)
    assert all(" is not set: " in one for one in complaints)


@pytest.mark.parametrize(
    ("settings", "name", "value", "remedy"),
    [
        (EcsSettings, "LAUNCHER_LABEL", "My Shop", "give 1 to 24 of a-z 0-9 -"),
        (EcsSettings, "LAUNCHER_ECS_SUBNETS", "10.0.0.0/8", "give ids such as subnet-0a1b2c3d"),
        (EcsSettings, "LAUNCHER_ECS_SECURITY_GROUPS", "default", "give ids such as sg-0a1b2c3d"),
        (EcsSettings, "LAUNCHER_ECS_PUBLIC_IP", "yes", "give true or false"),
        (BatchSettings, "LAUNCHER_BATCH_PLATFORM", "EKS", "give FARGATE or EC2"),
        (KubernetesSettings, "LAUNCHER_KUBERNETES_NAMESPACE", "My_Jobs", "a name in Kubernetes is 1 to 63"),
        (RenderSettings, "LAUNCHER_RENDER_SERVICE", "my-worker", "give the id of the service"),
    ],
)
def test_what_cannot_be_meant_is_told_with_value_and_remedy(
    settings: type[LauncherSettings], name: str, value: str, remedy: str
) -> None:
    complaints = settings.complaints({name: value})
    [told] = [one for one in complaints if one.startswith(f"{name}=")]
    assert told.startswith(f"{name}={value!r}: {remedy}")
    assert not any(one.startswith(f"{name} ") for one in complaints)


def test_the_region_is_that_of_the_process_unless_the_launcher_has_its_own() -> None:
    assert EcsSettings.read(ECS).region == "us-east-1"
    assert EcsSettings.read({**ECS, "LAUNCHER_AWS_REGION": "eu-west-1"}).region == "eu-west-1"


def test_instances_need_no_subnet_and_groups_do() -> None:
    on_instances = {**ECS, "LAUNCHER_ECS_CAPACITY": "EC2", "LAUNCHER_ECS_SUBNETS": ""}
    assert EcsSettings.read(on_instances).subnets == ()
    with pytest.raises(SettingsError, match="security groups and public addresses belong to a subnet"):
        EcsSettings.read({**on_instances, "LAUNCHER_ECS_SECURITY_GROUPS": "sg-0a1b"})


def test_the_key_of_render_shows_itself_nowhere() -> None:
    given = {"LAUNCHER_RENDER_SERVICE": "srv-c24q", "LAUNCHER_RENDER_API_KEY": "rnd_verysecret"}
    assert "verysecret" not in repr(RenderSettings.read(given))


def test_no_launcher_s_variable_is_another_s_or_a_worker_s() -> None:
    names = [name for one in (*VARIABLES, *LAUNCHER_VARIABLES) for name in one.names]
    assert len(names) == len(set(names))
    assert all(name.startswith("LAUNCHER_") for one in LAUNCHER_VARIABLES for name in one.names)


def test_a_launcher_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ECS.items():
        monkeypatch.setenv(name, value)
    assert launcher_named("ecs").name == "ecs"


def test_an_unknown_launcher_is_told_with_those_that_exist() -> None:
    with pytest.raises(SettingsError, match="no launcher is called 'fargate': give process, command, ecs"):
        launcher_named("fargate")
