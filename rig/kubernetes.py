"""A Kubernetes API for tests, for what a spawner asks of it: PodTemplates and Jobs of a namespace, by TLS.

It lets in one token with certain rights, and refuses what the real one refuses, in its words: names that are
no DNS labels, Jobs that restart for ever, limits below requests, a second Job of one name, more Jobs than the
quota.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from rig.http_place import Reply, Request, make_certificates, served

NAMESPACE = "jobs"
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_UNITS = {"": 1.0, "m": 1e-3, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "k": 1e3, "M": 1e6, "G": 1e9}
_JOB_SPEC = {
    "activeDeadlineSeconds", "backoffLimit", "completions", "parallelism", "suspend", "template",
    "ttlSecondsAfterFinished",
}  # fmt: skip
RIGHTS = frozenset({"get podtemplates", "create jobs", "list jobs", "delete jobs"})


class Refused(Exception):
    """A Status of the API that is a failure."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.reply = Reply(
            code,
            {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "message": message,
                "reason": reason,
                "code": code,
            },
        )


class Cluster:
    """A namespace of a cluster.

    Attributes:
        account: the directory that a pod finds its service account in.
        templates: the PodTemplates, by name.
        jobs: the Jobs, by name.
        rights: what the token may do.
        quota: the most Jobs.
        page: the most Jobs that a list shows at once.
    """

    def __init__(self, account: Path) -> None:
        self.url = ""
        self.account = account
        self.token = "first-token"
        self.templates: dict[str, Any] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.rights = RIGHTS
        self.quota = 100
        self.page = 2
        self.created = 0

    def renew_token(self, token: str) -> None:
        """The kubelet puts another token into the directory, and the old one ends."""
        self.token = token
        (self.account / "token").write_text(token)

    def complete(self, name: str) -> None:
        """The Job's pod ends well."""
        self.jobs[name]["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}

    def drain(self) -> None:
        """The pods of deleted Jobs have ended."""
        self.jobs = {
            name: job for name, job in self.jobs.items() if "deletionTimestamp" not in job["metadata"]
        }

    def answer(self, request: Request) -> Reply:
        try:
            return self._answer(request)
        except Refused as refused:
            return refused.reply

    def _answer(self, request: Request) -> Reply:
        if request.token != self.token:
            raise Refused(401, "Unauthorized", "Unauthorized")
        found = re.fullmatch(
            r"/(api/v1|apis/batch/v1)/namespaces/([^/]+)/(podtemplates|jobs)(?:/([^/]+))?", request.path
        )
        if found is None or (found[1] == "api/v1") != (found[3] == "podtemplates"):
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        _, namespace, kind, name = found.groups()
        verb = {"GET": "get" if name else "list", "POST": "create", "DELETE": "delete"}[request.method]
        if namespace != NAMESPACE or f"{verb} {kind}" not in self.rights:
            raise Refused(
                403,
                "Forbidden",
                f'{kind} is forbidden: User "system:serviceaccount:jobs:spawner" cannot {verb} resource '
                f'"{kind}" in the namespace "{namespace}"',
            )
        match verb, kind:
            case "get", "podtemplates":
                return Reply(200, self._template(name))
            case "create", "jobs":
                return Reply(201, self._create(request.json))
            case "list", "jobs":
                return Reply(200, self._list(request.query))
            case "delete", "jobs":
                return Reply(200, self._delete(name, request.json or {}))
        raise Refused(405, "MethodNotAllowed", "the server does not allow this method")

    def _template(self, name: str) -> dict[str, Any]:
        if name not in self.templates:
            raise Refused(404, "NotFound", f'podtemplates "{name}" not found')
        found: dict[str, Any] = deepcopy(self.templates[name])
        return found

    def _create(self, job: Any) -> dict[str, Any]:
        if not isinstance(job, dict):
            raise Refused(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        if (job.get("apiVersion"), job.get("kind")) != ("batch/v1", "Job"):
            raise Refused(400, "BadRequest", "the object provided is unrecognized (must be of type Job)")
        if unknown := set(job["spec"]) - _JOB_SPEC:
            raise Refused(400, "BadRequest", f"strict decoding error: unknown field {sorted(unknown)}")
        name = job["metadata"]["name"]
        if problems := list(_problems(job)):
            raise Refused(422, "Invalid", f'Job.batch "{name}" is invalid: {", ".join(problems)}')
        if name in self.jobs:
            raise Refused(409, "AlreadyExists", f'jobs.batch "{name}" already exists')
        if len(self.jobs) >= self.quota:
            raise Refused(403, "Forbidden", f'jobs.batch "{name}" is forbidden: exceeded quota: workers')
        self.created += 1
        self.jobs[name] = {**deepcopy(job), "status": {"active": 1}}
        return self.jobs[name]

    def _list(self, query: dict[str, list[str]]) -> dict[str, Any]:
        wanted = dict(one.split("=") for one in query.get("labelSelector", [""])[0].split(",") if one)
        found = [
            job for _, job in sorted(self.jobs.items()) if wanted.items() <= job["metadata"]["labels"].items()
        ]
        first = int(query.get("continue", ["0"])[0])
        last = first + min(self.page, int(query.get("limit", ["500"])[0]))
        more = {"continue": str(last)} if last < len(found) else {}
        return {"kind": "JobList", "apiVersion": "batch/v1", "metadata": more, "items": found[first:last]}

    def _delete(self, name: str, options: dict[str, Any]) -> dict[str, Any]:
        if name not in self.jobs:
            raise Refused(404, "NotFound", f'jobs.batch "{name}" not found')
        policy = options.get("propagationPolicy")
        if policy not in ("Foreground", "Background", "Orphan"):
            raise Refused(422, "Invalid", "a Job's pods would be left: give a propagationPolicy")
        if policy == "Foreground":
            self.jobs[name]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            return self.jobs[name]
        return self.jobs.pop(name)


def _problems(job: dict[str, Any]) -> Iterator[str]:
    """What the real API finds in a Job."""
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    if not _DNS_LABEL.fullmatch(job["metadata"]["name"]):
        yield "metadata.name: must be no more than 63 characters of lower case, - and digits (RFC 1123)"
    for meta in (job["metadata"], spec["template"]["metadata"]):
        for key, value in meta["labels"].items():
            if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
                yield f"metadata.labels: Invalid value: {key}={value}"
        if not all(_LABEL_KEY.fullmatch(key) for key in meta["annotations"]):
            yield "metadata.annotations: Invalid value"
    if pod.get("restartPolicy") not in ("Never", "OnFailure"):
        yield 'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'
    for field, least in (("backoffLimit", 0), ("activeDeadlineSeconds", 1), ("ttlSecondsAfterFinished", 0)):
        if not isinstance(spec.get(field, least), int) or spec.get(field, least) < least:
            yield f"spec.{field}: Invalid value"
    for container in pod["containers"]:
        yield from _problems_of_container(container)


def _problems_of_container(container: dict[str, Any]) -> Iterator[str]:
    if not _DNS_LABEL.fullmatch(container.get("name", "")) or not container.get("image"):
        yield "spec.template.spec.containers[0]: Required value: name and image"
    if not all(isinstance(word, str) for word in container.get("args", ())):
        yield "spec.template.spec.containers[0].args: Invalid value"
    names = [one["name"] for one in container.get("env", ())]
    if len(names) != len(set(names)) or not all(
        re.fullmatch(r"[-._a-zA-Z][-._a-zA-Z0-9]*", one) for one in names
    ):
        yield "spec.template.spec.containers[0].env: Invalid value"
    resources = container.get("resources", {})
    for kind, asked in resources.get("requests", {}).items():
        limit = resources.get("limits", {}).get(kind)
        if _amount(asked) is None or (limit is not None and (_amount(limit) or 0) < (_amount(asked) or 0)):
            yield f"spec.template.spec.containers[0].resources.requests: must be <= {kind} limit of {limit}"


def _amount(quantity: str) -> float | None:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(m|Ki|Mi|Gi|k|M|G)?", quantity)
    return float(found[1]) * _UNITS[found[2] or ""] if found else None


@contextmanager
def kubernetes(directory: Path) -> Iterator[Cluster]:
    """A cluster on this host whose service account lies in the directory."""
    make_certificates(directory)
    (directory / "namespace").write_text(NAMESPACE)
    cluster = Cluster(directory)
    cluster.renew_token("first-token")
    with served(cluster.answer, certificates=directory) as url:
        cluster.url = url
        yield cluster
