"""The places where the tests start workers, all with the same five questions."""

from __future__ import annotations

import json
import shlex
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

from rig.amazon import REGION, Amazon, Refused
from rig.kubernetes import Cluster, kubernetes
from rig.render import KEY, SERVICE, Service, render
from rowcrew.settings.launchers import (
    BatchSettings,
    EcsSettings,
    KubernetesSettings,
    LambdaSettings,
    RenderSettings,
)
from rowcrew.spawn.launcher import Launch, Launcher
from rowcrew.spawn.launchers.batch import BatchLauncher
from rowcrew.spawn.launchers.ecs import EcsLauncher
from rowcrew.spawn.launchers.kubernetes import KubernetesLauncher
from rowcrew.spawn.launchers.lambda_ import LambdaLauncher
from rowcrew.spawn.launchers.render import RenderLauncher

ALL = ("ecs", "batch", "lambda", "kubernetes", "render")
NAME = "two words, a 'quote' and $HOME"
TEMPLATE = {
    "metadata": {"name": "rowcrew-worker", "namespace": "jobs"},
    "template": {
        "metadata": {"labels": {"app": "rowcrew"}, "creationTimestamp": None},
        "spec": {
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 60,
            "containers": [
                {"name": "proxy", "image": "proxy:1"},
                {
                    "name": "worker",
                    "image": "rowcrew:1",
                    "args": ["worker"],
                    "env": [
                        {"name": "WORKER_ID", "value": "template"},
                        {"name": "APP_NAME", "value": "Acme"},
                    ],
                    "resources": {"requests": {"memory": "256Mi"}, "limits": {"memory": "512Mi"}},
                },
            ],
        },
    },
}


def launch(**changes: Any) -> Launch:
    """A worker to be started, with a boot id of its own."""
    return replace(Launch(name=NAME, boot_id=str(uuid.uuid4()), queue="ai", slots=1), **changes)


class Given(NamedTuple):
    """What a started worker got of the place."""

    arguments: list[str]
    environment: dict[str, str]


class Place(Protocol):
    """A place that a test can look into."""

    words: str

    @property
    def launcher(self) -> Launcher: ...

    def environment(self, **changes: str) -> dict[str, str]:
        """The settings with which a spawner starts workers here."""
        ...

    def named(self, label: str) -> Launcher:
        """The launcher of another installation in the same place."""
        ...

    def at(self, url: str) -> Launcher:
        """The launcher, when the place is said to be there."""
        ...

    def started(self) -> int: ...

    def given(self, handle: str, /) -> Given: ...

    def finish(self, handle: str, /) -> None:
        """The worker ends by itself."""
        ...

    def settle(self) -> None:
        """What was asked to end has ended."""
        ...

    def refuse(self) -> None:
        """The next worker is refused; `words` are the place's."""
        ...


def environment_for(aws: Amazon, **changes: str) -> dict[str, str]:
    return {
        "AWS_REGION": REGION,
        "LAUNCHER_AWS_ENDPOINT": aws.url,
        "LAUNCHER_ECS_CLUSTER": "rowcrew",
        "LAUNCHER_ECS_TASK_DEFINITION": "rowcrew-worker",
        "LAUNCHER_ECS_SUBNETS": aws.subnet,
        "LAUNCHER_BATCH_QUEUE": "rowcrew",
        "LAUNCHER_BATCH_DEFINITION": "rowcrew-worker",
        "LAUNCHER_LAMBDA_FUNCTION": "rowcrew-{queue}",
        **changes,
    }


class Made:
    """What all places have in common: their launchers differ in what the settings say."""

    address: ClassVar[str]
    """The setting that says where the place is."""

    def make(self, **changes: str) -> Launcher:
        raise NotImplementedError

    @cached_property
    def launcher(self) -> Launcher:
        return self.make()

    def named(self, label: str) -> Launcher:
        return self.make(LAUNCHER_LABEL=label)

    def at(self, url: str) -> Launcher:
        return self.make(**{self.address: url})


class OnAmazon(Made):
    """What the places at AWS have in common."""

    address = "LAUNCHER_AWS_ENDPOINT"
    operation: str

    def __init__(self, aws: Amazon) -> None:
        self.aws = aws
        self._before = len(aws.asked(self.operation))

    def environment(self, **changes: str) -> dict[str, str]:
        return environment_for(self.aws, **changes)

    def last(self) -> dict[str, Any]:
        return self.aws.asked(self.operation)[-1]

    def settle(self) -> None:
        return None


class OnEcs(OnAmazon):
    """A cluster of ECS."""

    operation = "RunTask"
    words = "RESOURCE:MEMORY"

    def make(self, **changes: str) -> Launcher:
        return EcsLauncher(EcsSettings.read(self.environment(**changes)))

    def started(self) -> int:
        return len({one["clientToken"] for one in self.aws.asked("RunTask")[self._before :]})

    def given(self, handle: str) -> Given:
        [container] = self.aws.task(handle)["overrides"]["containerOverrides"]
        return Given(container["command"], _as_dict(container["environment"]))

    def finish(self, handle: str) -> None:
        self.aws.end_task(handle)

    def refuse(self) -> None:
        self.aws.failures = [{"arn": "arn:aws:ecs:…", "reason": self.words}]


class OnBatch(OnAmazon):
    """A job queue of AWS Batch."""

    operation = "SubmitJob"
    words = "JobQueue rowcrew is DISABLED"

    def make(self, **changes: str) -> Launcher:
        return BatchLauncher(BatchSettings.read(self.environment(**changes)))

    def started(self) -> int:
        return len(self.aws.asked("SubmitJob")[self._before :])

    def given(self, _handle: str) -> Given:
        overrides = self.last()["containerOverrides"]
        return Given(overrides["command"], _as_dict(overrides["environment"]))

    def finish(self, handle: str) -> None:
        self.aws.end_job(handle)

    def refuse(self) -> None:
        self.aws.trouble_at["SubmitJob"] = Refused("ClientException", self.words)


class OnLambda(OnAmazon):
    """A function of AWS Lambda."""

    operation = "Invoke"
    words = "Rate Exceeded"

    def make(self, **changes: str) -> Launcher:
        return LambdaLauncher(LambdaSettings.read(self.environment(**changes)))

    def started(self) -> int:
        return len(self.aws.asked("Invoke")[self._before :])

    def given(self, _handle: str) -> Given:
        """What the handler makes of the payload."""
        given = json.loads(self.last()["Payload"])
        arguments = ["worker", "--queue", given["queue"], "--ephemeral", "--concurrency", str(given["slots"])]
        return Given(arguments, {"ROWCREW_BOOT_ID": given["bootId"], "WORKER_ID": given["name"]})

    def finish(self, _handle: str) -> None:
        return None

    def refuse(self) -> None:
        self.aws.trouble_at["Invoke"] = Refused("TooManyRequestsException", self.words, 429)


class InKubernetes(Made):
    """A namespace of a cluster."""

    address = "LAUNCHER_KUBERNETES_URL"

    words = "exceeded quota"

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        cluster.templates["rowcrew-worker"] = TEMPLATE

    def environment(self, **changes: str) -> dict[str, str]:
        return {
            "LAUNCHER_KUBERNETES_TEMPLATE": "rowcrew-worker",
            "LAUNCHER_KUBERNETES_URL": self.cluster.url,
            "LAUNCHER_KUBERNETES_ACCOUNT": str(self.cluster.account),
            **changes,
        }

    def make(self, **changes: str) -> Launcher:
        return KubernetesLauncher(KubernetesSettings.read(self.environment(**changes)))

    def started(self) -> int:
        return self.cluster.created

    def given(self, handle: str) -> Given:
        container = self.cluster.jobs[handle]["spec"]["template"]["spec"]["containers"][1]
        return Given(container["args"], _as_dict(container["env"]))

    def finish(self, handle: str) -> None:
        self.cluster.complete(handle)

    def settle(self) -> None:
        self.cluster.drain()

    def refuse(self) -> None:
        self.cluster.quota = 0


class AtRender(Made):
    """A service of Render."""

    address = "LAUNCHER_RENDER_URL"

    words = "rate limit exceeded"

    def __init__(self, service: Service) -> None:
        self.service = service

    def environment(self, **changes: str) -> dict[str, str]:
        return {
            "LAUNCHER_RENDER_SERVICE": SERVICE,
            "LAUNCHER_RENDER_API_KEY": KEY,
            "LAUNCHER_RENDER_URL": self.service.url,
            **changes,
        }

    def make(self, **changes: str) -> Launcher:
        return RenderLauncher(RenderSettings.read(self.environment(**changes)))

    def started(self) -> int:
        return len(self.service.jobs)

    def given(self, handle: str) -> Given:
        """As `env` reads its command line: variables, then the program and its arguments."""
        env, *words = shlex.split(self.service.job(handle)["startCommand"])
        assert env == "env"
        first = next(index for index, word in enumerate(words) if "=" not in word)
        assert words[first] == "rowcrew"
        return Given(words[first + 1 :], dict(word.split("=", 1) for word in words[:first]))

    def finish(self, handle: str) -> None:
        self.service.end(handle)

    def settle(self) -> None:
        return None

    def refuse(self) -> None:
        self.service.most_jobs = 0


def _as_dict(pairs: list[dict[str, str]]) -> dict[str, str]:
    return {pair["name"]: pair["value"] for pair in pairs}


@contextmanager
def place_named(name: str, aws: Amazon, directory: Path) -> Iterator[Place]:
    """A place that no worker was started in by this test."""
    match name:
        case "ecs":
            yield OnEcs(aws)
        case "batch":
            yield OnBatch(aws)
        case "lambda":
            yield OnLambda(aws)
        case "kubernetes":
            with kubernetes(directory) as cluster:
                yield InKubernetes(cluster)
        case "render":
            with render() as service:
                yield AtRender(service)
