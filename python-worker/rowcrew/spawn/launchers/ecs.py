"""The launcher `ecs`: a worker is a task of ECS, on Fargate or on instances of its own.

In: a launch and the settings LAUNCHER_ECS_…. Out: one RunTask, whose client token makes a repeat harmless;
its handle is the task's ARN. Made by `named`, called by the spawner.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rowcrew.settings.launchers import EcsSettings
from rowcrew.spawn.launcher import Launch, LaunchFailed
from rowcrew.spawn.launchers.aws import as_pairs, client, named, told
from rowcrew.spawn.launchers.fargate import fargate_size, wanted_size

_ROOM: Final = "no instance of the cluster has room: add instances, or set LAUNCHER_ECS_CAPACITY=FARGATE"


class EcsLauncher:
    """Workers as tasks of one cluster of ECS."""

    name: Final = "ecs"

    def __init__(self, settings: EcsSettings) -> None:
        self._settings = settings
        self._client = client("ecs", settings)

    def start(self, launch: Launch) -> str:
        request = run_task(self._settings, launch)
        with told(f"ECS did not start {launch.name}", LaunchFailed):
            try:
                answer = self._client.run_task(**request)
            except self._client.exceptions.ConflictException as conflict:
                # The token has started this worker already, when the settings were others.
                if started := conflict.response.get("resourceIds"):
                    return str(started[0])
                raise
        if not answer["tasks"]:
            raise LaunchFailed(f"ECS did not start {launch.name}: {_reasons(answer['failures'])}")
        return str(answer["tasks"][0]["taskArn"])

    def running(self) -> Sequence[str]:
        question = {"cluster": self._settings.cluster, "startedBy": _started_by(self._settings)}
        pages = self._client.get_paginator("list_tasks").paginate(**question, desiredStatus="RUNNING")
        with told("ECS does not tell which workers run"):
            return [arn for page in pages for arn in page["taskArns"]]

    def end(self, handle: str) -> None:
        with told(f"ECS did not stop {handle}", harmless=("not found",)):
            self._client.stop_task(
                cluster=self._settings.cluster, task=handle, reason="The spawner asks this worker to end"
            )


def run_task(settings: EcsSettings, launch: Launch) -> dict[str, Any]:
    """The request that starts this worker. Raises LaunchFailed when no size of Fargate is large enough."""
    overrides: dict[str, Any] = {
        "containerOverrides": [
            {
                "name": settings.container,
                "command": list(launch.arguments),
                "environment": as_pairs(launch.environment),
            }
        ]
    }
    if wanted := wanted_size(launch):
        size = fargate_size(wanted) if settings.is_fargate else wanted
        overrides |= {"cpu": str(size.cpu)} if size.cpu else {}
        overrides |= {"memory": str(size.mebibytes)} if size.mebibytes else {}
    return {
        "cluster": settings.cluster,
        "taskDefinition": named(settings.definition, launch.queue),
        "count": 1,
        "clientToken": launch.boot_id,
        "startedBy": _started_by(settings),
        "overrides": overrides,
        **_capacity(settings),
        **_network(settings),
    }


def _capacity(settings: EcsSettings) -> dict[str, Any]:
    if settings.capacity in ("FARGATE", "EC2"):
        return {"launchType": settings.capacity}
    return {"capacityProviderStrategy": [{"capacityProvider": settings.capacity, "weight": 1}]}


def _network(settings: EcsSettings) -> dict[str, Any]:
    if not settings.subnets:
        return {}
    network = {
        "subnets": list(settings.subnets),
        "assignPublicIp": "ENABLED" if settings.has_public_address else "DISABLED",
    }
    groups = {"securityGroups": list(settings.security_groups)} if settings.security_groups else {}
    return {"networkConfiguration": {"awsvpcConfiguration": {**network, **groups}}}


def _started_by(settings: EcsSettings) -> str:
    return f"rowcrew-spawner/{settings.label}"


def _reasons(failures: list[dict[str, str]]) -> str:
    """Why ECS answered well and started nothing."""
    said = [" ".join(filter(None, (one.get("reason"), one.get("detail")))) for one in failures]
    words = ", ".join(said) or "it gave no reason"
    return f"{words}; {_ROOM}" if any(one.startswith("RESOURCE") for one in said) else words
