"""The launcher `kubernetes`: a worker is a Job, made from a PodTemplate of the same namespace.

In: a launch and the settings LAUNCHER_KUBERNETES_…. Out: one Job, whose name is made of the boot id, so that
a repeat meets itself; its handle is that name. Made by `named`, called by the spawner.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rowcrew.settings.launchers import KubernetesSettings
from rowcrew.spawn.launcher import Launch, LaunchFailed, PlaceFailed
from rowcrew.spawn.launchers.rest import Answer, Rest

_PAGE: Final = 500
_START_SECONDS: Final = 120  # as long as the spawner waits for a worker that it has launched
_KEPT_SECONDS: Final = 600
_REMEDIES: Final = {
    401: "the service account's token is not accepted",
    403: "let the spawner's account get podtemplates, create, list and delete jobs, or raise the quota",
}


class KubernetesLauncher:
    """Workers as Jobs of one namespace."""

    name: Final = "kubernetes"

    def __init__(self, settings: KubernetesSettings) -> None:
        self._settings = settings
        self._account = Path(settings.account)
        authority = self._account / "ca.crt"
        self._api = Rest(
            settings.url,
            place="Kubernetes",
            token=lambda: self._read("token"),
            authority=str(authority) if authority.exists() else None,
        )

    def start(self, launch: Launch) -> str:
        try:
            job = job_of(self._settings, launch, self._template(launch))
            made = self._ask("POST", "batch/v1", "jobs", body=job)
        except LaunchFailed:
            raise
        except PlaceFailed as failed:
            raise LaunchFailed(f"Kubernetes did not start {launch.name}: {failed}") from failed
        if made.status not in (200, 201, 202) and not _is_a_repeat(made):
            raise LaunchFailed(_told(made, f"Kubernetes did not start {launch.name}"))
        return str(job["metadata"]["name"])

    def running(self) -> Sequence[str]:
        return [job["metadata"]["name"] for job in self._jobs() if not _has_ended(job)]

    def end(self, handle: str) -> None:
        # In the foreground, the Job stays until its pods have drained.
        gone = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"}
        answer = self._ask("DELETE", "batch/v1", f"jobs/{handle}", body=gone)
        if answer.status not in (200, 202, 404):
            raise PlaceFailed(_told(answer, f"Kubernetes did not end {handle}"))

    def _template(self, launch: Launch) -> dict[str, Any]:
        name = self._settings.template.replace("{queue}", re.sub("[_.]", "-", launch.queue).strip("-"))
        answer = self._ask("GET", "v1", f"podtemplates/{name}")
        if answer.status != 200:
            raise LaunchFailed(_told(answer, f"Kubernetes has no PodTemplate {name} for {launch.name}"))
        template: dict[str, Any] = answer.body["template"]
        return template

    def _jobs(self) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {"labelSelector": f"rowcrew/spawner={self._settings.label}", "limit": _PAGE}
        while True:
            answer = self._ask("GET", "batch/v1", "jobs", query=query)
            if answer.status != 200:
                raise PlaceFailed(_told(answer, "Kubernetes does not tell which workers run"))
            yield from answer.body["items"]
            if not (following := answer.body["metadata"].get("continue")):
                return
            query = {**query, "continue": following}

    def _ask(self, method: str, group: str, rest: str, **options: Any) -> Answer:
        namespace = self._settings.namespace or self._read("namespace")
        root = "/api" if group == "v1" else "/apis"
        return self._api.ask(method, f"{root}/{group}/namespaces/{namespace}/{rest}", **options)

    def _read(self, name: str) -> str:
        try:
            return (self._account / name).read_text().strip()
        except OSError as error:
            raise PlaceFailed(
                f"{error.filename} cannot be read ({error.strerror}): run the spawner in a pod that has a "
                "service account, or set LAUNCHER_KUBERNETES_ACCOUNT"
            ) from error


def job_of(settings: KubernetesSettings, launch: Launch, template: dict[str, Any]) -> dict[str, Any]:
    """The Job of this worker: the template, with the worker's arguments. Raises LaunchFailed."""
    labels = {"app.kubernetes.io/managed-by": "rowcrew", "rowcrew/spawner": settings.label}
    marks = {"rowcrew/queue": launch.queue, "rowcrew/worker": launch.name}
    given = template.get("metadata") or {}
    pod = {
        "labels": {**(given.get("labels") or {}), **labels},
        "annotations": {**(given.get("annotations") or {}), **marks},
    }
    limit = {} if launch.seconds is None else {"activeDeadlineSeconds": launch.seconds + _START_SECONDS}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"{settings.label}-{launch.boot_id}", "labels": labels, "annotations": marks},
        "spec": {
            "backoffLimit": 0,  # the queue retries its jobs, the spawner its workers
            "ttlSecondsAfterFinished": _KEPT_SECONDS,
            **limit,
            "template": {"metadata": pod, "spec": _pod(settings, launch, template)},
        },
    }


def _pod(settings: KubernetesSettings, launch: Launch, template: dict[str, Any]) -> dict[str, Any]:
    containers = template["spec"]["containers"]
    if settings.container not in (names := [one["name"] for one in containers]):
        raise LaunchFailed(
            f"the PodTemplate has no container {settings.container}, only {', '.join(names)}: "
            "correct LAUNCHER_KUBERNETES_CONTAINER"
        )
    own = [_with_arguments(one, launch) if one["name"] == settings.container else one for one in containers]
    return {**template["spec"], "restartPolicy": "Never", "containers": own}


def _with_arguments(container: dict[str, Any], launch: Launch) -> dict[str, Any]:
    others = [one for one in container.get("env") or [] if one["name"] not in launch.environment]
    own = [{"name": name, "value": value} for name, value in launch.environment.items()]
    return {
        **container,
        "args": list(launch.arguments),
        "env": [*others, *own],
        "resources": _resources(container.get("resources") or {}, launch),
    }


def _resources(given: dict[str, Any], launch: Launch) -> dict[str, Any]:
    """What the worker asks for is what it gets: request and limit."""
    asked = {
        **({} if launch.cpu is None else {"cpu": f"{round(launch.cpu * 1000)}m"}),
        **({} if launch.memory is None else {"memory": str(launch.memory)}),
    }
    if not asked:
        return given
    limits = {**(given.get("limits") or {}), **asked}
    return {**given, "requests": {**(given.get("requests") or {}), **asked}, "limits": limits}


def _is_a_repeat(answer: Answer) -> bool:
    return answer.status == 409 and answer.body.get("reason") == "AlreadyExists"


def _has_ended(job: dict[str, Any]) -> bool:
    conditions = job.get("status", {}).get("conditions") or ()
    return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions)


def _told(answer: Answer, what: str) -> str:
    remedy = _REMEDIES.get(answer.status)
    return f"{answer.told(what)}; {remedy}" if remedy else answer.told(what)
