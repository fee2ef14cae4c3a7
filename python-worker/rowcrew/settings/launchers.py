"""The settings of the launchers, one typed object for each place where workers are started.

In: the variables LAUNCHER_… of the spawner's environment. Out: a Struct for the launcher that a queue asks
for, or every complaint at once. Called by `spawn.launchers` alone: a worker never reads them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import ClassVar, Final, Self

from rowcrew.model.errors import SettingsError
from rowcrew.settings import given, readers
from rowcrew.settings.family import FamilySettings
from rowcrew.settings.variables import Variable

_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"


def _label(value: str) -> str:
    if not re.fullmatch(r"[a-z]([a-z0-9-]{0,22}[a-z0-9])?", value):
        raise ValueError("give 1 to 24 of a-z 0-9 -, beginning with a letter and not ending with -")
    return value


def _ids(prefix: str, value: str) -> tuple[str, ...]:
    found = readers.words(value)
    if not all(re.fullmatch(rf"{prefix}-[0-9a-f]+", one) for one in found):
        raise ValueError(f"give ids such as {prefix}-0a1b2c3d, comma-separated")
    return found


def _platform(value: str) -> str:
    if value not in ("FARGATE", "EC2"):
        raise ValueError("give FARGATE or EC2")
    return value


def _dns_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", value):
        raise ValueError("a name in Kubernetes is 1 to 63 of a-z 0-9 - and neither begins nor ends with -")
    return value


def _service(value: str) -> str:
    if not re.fullmatch(r"(srv|crn)-[a-z0-9]+", value):
        raise ValueError(
            "give the id of the service, such as srv-c24q2tmcie6so2aq3n90; its page's URL ends in it"
        )
    return value


_LABEL: Final = Variable(
    ("LAUNCHER_LABEL",),
    "label",
    _label,
    "rowcrew",
    "tells the workers of this installation from those of another in the same place",
)
_REGION: Final = Variable(
    ("LAUNCHER_AWS_REGION",), "region", readers.text, "AWS_REGION", "the region where AWS starts workers"
)
_ENDPOINT: Final = Variable(
    ("LAUNCHER_AWS_ENDPOINT",),
    "endpoint",
    readers.endpoint,
    "unset",
    "address of ECS, Batch and Lambda in place of AWS's, for tests; AWS_ENDPOINT_URL does not count",
)


class LauncherSettings(FamilySettings, frozen=True, kw_only=True):
    """The base of a launcher's settings: `needed` are the fields without which it starts nothing."""

    needed: ClassVar[tuple[str, ...]] = ()

    label: str = "rowcrew"

    @classmethod
    def complaints(cls, environment: Mapping[str, str] | None = None, *, missing: bool = True) -> list[str]:
        """What keeps the launcher from starting workers."""
        told = super().complaints(environment, missing=missing)
        if missing:
            found = cls.readable(environment)
            unset = [
                one for one in cls.variables if one.field in cls.needed and not getattr(found, one.field)
            ]
            told += [f"{one.names[0]} is not set: {one.meaning}" for one in unset]
        wrong = tuple(f"{one.name} is not set" for one in given(environment, cls.variables) if one.complaint)
        return [one for one in told if not one.startswith(wrong)]

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The launcher's settings. Raises SettingsError with all that is missing or could not be read."""
        if complaints := cls.complaints(environment):
            raise SettingsError(complaints)
        return cls.readable(environment)


class AwsSettings(LauncherSettings, frozen=True, kw_only=True):
    """What the launchers of AWS share."""

    region: str = ""
    endpoint: str | None = None

    @classmethod
    def readable(cls, environment: Mapping[str, str] | None = None) -> Self:
        environment = os.environ if environment is None else environment
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
        return super().readable({"LAUNCHER_AWS_REGION": region, **environment})


class EcsSettings(AwsSettings, frozen=True, kw_only=True):
    """Where on ECS a worker runs as a task."""

    cluster: str = "default"
    definition: str = ""
    container: str = "worker"
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    has_public_address: bool = False
    capacity: str = "FARGATE"

    needed: ClassVar[tuple[str, ...]] = ("region", "definition")
    variables: ClassVar[tuple[Variable, ...]] = (
        _LABEL,
        _REGION,
        _ENDPOINT,
        Variable(
            ("LAUNCHER_ECS_CLUSTER",),
            "cluster",
            readers.text,
            "default",
            "the cluster where workers run",
        ),
        Variable(
            ("LAUNCHER_ECS_TASK_DEFINITION",),
            "definition",
            readers.text,
            "unset",
            "the definition of the worker's ECS task: family, family:revision or ARN; `{queue}` is the queue",
        ),
        Variable(
            ("LAUNCHER_ECS_CONTAINER",),
            "container",
            readers.text,
            "worker",
            "the container in it that gets the worker's command",
        ),
        Variable(
            ("LAUNCHER_ECS_SUBNETS",),
            "subnets",
            lambda value: _ids("subnet", value),
            "unset",
            "subnets of the worker, comma-separated; Fargate needs one",
        ),
        Variable(
            ("LAUNCHER_ECS_SECURITY_GROUPS",),
            "security_groups",
            lambda value: _ids("sg", value),
            "unset",
            "security groups of the worker; unset = the VPC's own",
        ),
        Variable(
            ("LAUNCHER_ECS_PUBLIC_IP",),
            "has_public_address",
            readers.yes_or_no,
            "false",
            "true in a public subnet, where nothing else leads to the image",
        ),
        Variable(
            ("LAUNCHER_ECS_CAPACITY",),
            "capacity",
            readers.text,
            "FARGATE",
            "FARGATE, FARGATE_SPOT, EC2, or the name of a capacity provider",
        ),
    )

    @property
    def is_fargate(self) -> bool:
        return self.capacity in ("FARGATE", "FARGATE_SPOT")

    def disagreement(self) -> str | None:
        if self.is_fargate and not self.subnets:
            return f"LAUNCHER_ECS_SUBNETS is not set: LAUNCHER_ECS_CAPACITY={self.capacity} needs a subnet"
        if (self.security_groups or self.has_public_address) and not self.subnets:
            return "LAUNCHER_ECS_SUBNETS is not set: security groups and public addresses belong to a subnet"
        return None


class BatchSettings(AwsSettings, frozen=True, kw_only=True):
    """Where on AWS Batch a worker runs as a job."""

    queue: str = ""
    definition: str = ""
    platform: str = "FARGATE"

    needed: ClassVar[tuple[str, ...]] = ("region", "queue", "definition")
    variables: ClassVar[tuple[Variable, ...]] = (
        _LABEL,
        _REGION,
        _ENDPOINT,
        Variable(
            ("LAUNCHER_BATCH_QUEUE",),
            "queue",
            readers.text,
            "unset",
            "the job queue of AWS Batch, by name or ARN",
        ),
        Variable(
            ("LAUNCHER_BATCH_DEFINITION",),
            "definition",
            readers.text,
            "unset",
            "the job definition of the worker; `{queue}` is the queue",
        ),
        Variable(
            ("LAUNCHER_BATCH_PLATFORM",),
            "platform",
            _platform,
            "FARGATE",
            "FARGATE or EC2, as the job definition has it",
        ),
    )


class LambdaSettings(AwsSettings, frozen=True, kw_only=True):
    """Which function of AWS Lambda runs a worker."""

    function: str = ""

    needed: ClassVar[tuple[str, ...]] = ("region", "function")
    variables: ClassVar[tuple[Variable, ...]] = (
        _LABEL,
        _REGION,
        _ENDPOINT,
        Variable(
            ("LAUNCHER_LAMBDA_FUNCTION",),
            "function",
            readers.text,
            "unset",
            "the function that runs a worker, by name or ARN; `{queue}` is the queue",
        ),
    )


class KubernetesSettings(LauncherSettings, frozen=True, kw_only=True):
    """Where in Kubernetes a worker runs as a Job, and how the spawner proves who it is."""

    template: str = ""
    container: str = "worker"
    namespace: str = ""
    url: str = "https://kubernetes.default.svc"
    account: str = _ACCOUNT

    needed: ClassVar[tuple[str, ...]] = ("template",)
    variables: ClassVar[tuple[Variable, ...]] = (
        _LABEL,
        Variable(
            ("LAUNCHER_KUBERNETES_TEMPLATE",),
            "template",
            readers.text,
            "unset",
            "the PodTemplate of the worker; `{queue}` is the queue, its _ and . as -",
        ),
        Variable(
            ("LAUNCHER_KUBERNETES_CONTAINER",),
            "container",
            _dns_name,
            "worker",
            "the container in it that gets the worker's arguments",
        ),
        Variable(
            ("LAUNCHER_KUBERNETES_NAMESPACE",),
            "namespace",
            _dns_name,
            "the account's",
            "where Jobs are made",
        ),
        Variable(
            ("LAUNCHER_KUBERNETES_URL",),
            "url",
            readers.endpoint,
            "https://kubernetes.default.svc",
            "the address of the cluster",
        ),
        Variable(
            ("LAUNCHER_KUBERNETES_ACCOUNT",),
            "account",
            readers.text,
            _ACCOUNT,
            "the directory with the service account's token, ca.crt and namespace",
        ),
    )


class RenderSettings(LauncherSettings, frozen=True, kw_only=True):
    """Which service of Render lends its build and environment to workers that run as one-off jobs."""

    service: str = ""
    api_key: readers.Secret = readers.Secret("")
    program: tuple[str, ...] = ("rowcrew",)
    url: str = "https://api.render.com/v1"

    needed: ClassVar[tuple[str, ...]] = ("service", "api_key")
    variables: ClassVar[tuple[Variable, ...]] = (
        _LABEL,
        Variable(
            ("LAUNCHER_RENDER_SERVICE",),
            "service",
            _service,
            "unset",
            "the Render service whose build and variables the workers get, as srv-…",
        ),
        Variable(
            ("LAUNCHER_RENDER_API_KEY",),
            "api_key",
            readers.Secret,
            "unset",
            "the key of Render's API",
            is_secret=True,
        ),
        Variable(
            ("LAUNCHER_RENDER_PROGRAM",),
            "program",
            lambda value: tuple(value.split()),
            "rowcrew",
            "the words that start rowcrew there",
        ),
        Variable(
            ("LAUNCHER_RENDER_URL",),
            "url",
            readers.endpoint,
            "https://api.render.com/v1",
            "address of Render's API, for tests",
        ),
    )


_EVERY: Final = (EcsSettings, BatchSettings, LambdaSettings, KubernetesSettings, RenderSettings)
LAUNCHER_VARIABLES: Final = tuple(dict.fromkeys(one for settings in _EVERY for one in settings.variables))
