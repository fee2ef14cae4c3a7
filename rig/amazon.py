"""ECS, AWS Batch and Lambda for tests: moto on a real socket, behind a door that is as strict as AWS.

Every request is checked against botocore's model of its service, and recorded. The door refuses what AWS
refuses and moto lets pass, and remembers client tokens, which moto does not.
"""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from rig.aws_models import input_shape, problems, service_model

REGION = "us-east-1"
ACCOUNT = "123456789012"
TEMPLATES = Path(__file__).parents[1] / "deploy" / "aws"
FUNCTION = "rowcrew-ai"
_GIBIBYTES = {
    512: range(1, 5),
    1024: range(2, 9),
    2048: range(4, 17),
    4096: range(8, 31),
    8192: range(16, 61, 4),
    16_384: range(32, 121, 8),
}
FARGATE_SIZES = {(256, 512), (256, 1024), (256, 2048)} | {
    (cpu, number * 1024) for cpu, numbers in _GIBIBYTES.items() for number in numbers
}


class Call(NamedTuple):
    """One request to AWS that was let in."""

    service: str
    operation: str
    parameters: dict[str, Any]


class Refused(Exception):
    """What AWS answers in place of what was asked for."""

    def __init__(self, code: str, message: str, status: int = 400, **more: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.body = {"__type": code, "message": message, **more}


class Amazon:
    """A small AWS: one cluster, one job queue, one function, and what was asked of them.

    Attributes:
        subnet: one of its network.
        calls: the requests that were let in, in order.
        failures: what the next RunTask tells in a well-meant answer in place of a task.
        lost: operations whose next answer gets lost, after they were carried out.
        trouble_at: refusals of operations, by name, as long as they stand there.
    """

    def __init__(self) -> None:
        self.url = ""
        self.subnet = ""
        self.calls: list[Call] = []
        self.failures: list[dict[str, str]] = []
        self.lost: list[str] = []
        self.trouble_at: dict[str, Refused] = {}
        self._tokens: dict[str, tuple[dict[str, Any], bytes]] = {}

    def client(self, service: str) -> Any:
        import boto3

        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of every call of this operation."""
        return [call.parameters for call in self.calls if call.operation == operation]

    def task(self, arn: str) -> dict[str, Any]:
        [task] = self.client("ecs").describe_tasks(cluster="rowcrew", tasks=[arn])["tasks"]
        found: dict[str, Any] = task
        return found

    def job(self, id: str) -> dict[str, Any]:
        [job] = self.client("batch").describe_jobs(jobs=[id])["jobs"]
        found: dict[str, Any] = job
        return found

    def end_task(self, arn: str) -> None:
        """The task ends by itself."""
        self.client("ecs").stop_task(cluster="rowcrew", task=arn, reason="Essential container exited")

    def end_job(self, id: str) -> None:
        """The job ends by itself."""
        _jobs()[id].status = "SUCCEEDED"

    def __call__(self, environ: dict[str, Any], start_response: Any, moto: Any) -> Iterable[bytes]:
        """One request, as WSGI has it."""
        content = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(content)
        signed = re.search(rf"Credential=\w+/\d+/{REGION}/(\w+)/", environ.get("HTTP_AUTHORIZATION", ""))
        if signed is None or signed[1] not in ("ecs", "batch", "lambda"):
            return _bytes(moto(environ, start_response))
        try:
            call = _call(signed[1], environ, content)
            return self._let_in(call, environ, start_response, moto)
        except Refused as refused:
            said = json.dumps(refused.body).encode()
            headers = [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(said))),
                ("x-amzn-ErrorType", refused.body["__type"]),
            ]
            start_response(f"{refused.status} Refused", headers)
            return [said]

    def _let_in(self, call: Call, environ: dict[str, Any], start_response: Any, moto: Any) -> Iterable[bytes]:
        if trouble := self.trouble_at.get(call.operation):
            raise trouble
        if found := list(problems(input_shape(call.service, call.operation), call.parameters)):
            raise Refused("ClientException", "; ".join(found))
        self.calls.append(call)
        if call.operation == "RunTask":
            return self._run_task(call.parameters, environ, start_response, moto)
        _RULES.get(call.operation, _nothing)(call.parameters)
        answer = _bytes(moto(environ, start_response))
        if call.operation == "SubmitJob" and b'"jobId"' in answer[0]:
            # Without Docker, moto's jobs have succeeded before they start.
            _jobs()[json.loads(answer[0])["jobId"]].status = "RUNNABLE"
        if call.operation in self.lost:
            self.lost.remove(call.operation)
            raise Refused("InternalFailure", "Bad gateway", 502)
        return answer

    def _run_task(
        self, asked: dict[str, Any], environ: dict[str, Any], start_response: Any, moto: Any
    ) -> Iterable[bytes]:
        if answered := self._tokens.get(asked.get("clientToken", "")):
            tasks = json.loads(answered[1])["tasks"]
            if answered[0] != asked:
                arns = [task["taskArn"] for task in tasks]
                words = "The provided clientToken is already in use with a different RunTask request."
                raise Refused("ConflictException", words, resourceIds=arns)
            return _json(start_response, answered[1])
        _check_run_task(asked)
        if self.failures:
            said, self.failures = json.dumps({"tasks": [], "failures": self.failures}).encode(), []
            return _json(start_response, said)
        network = asked.get("networkConfiguration", {}).get("awsvpcConfiguration")
        if network is not None:
            network = {"securityGroups": [], **network}  # moto fails without
            asked_of_moto = {**asked, "networkConfiguration": {"awsvpcConfiguration": network}}
            content = json.dumps(asked_of_moto).encode()
            environ |= {"wsgi.input": io.BytesIO(content), "CONTENT_LENGTH": str(len(content))}
        answer = _bytes(moto(environ, start_response))
        self._tokens[asked.get("clientToken", "")] = (asked, answer[0])
        return answer


def _check_run_task(asked: dict[str, Any]) -> None:
    overrides = asked.get("overrides", {})
    if len(json.dumps(overrides)) > 8192:
        raise Refused("InvalidParameterException", "Container Overrides length must be at most 8192")
    if not re.fullmatch(r"[\w/-]{0,128}", asked.get("startedBy", "")):
        raise Refused("InvalidParameterException", "startedBy is not valid")
    if not re.fullmatch(r"[!-~]{1,64}", asked.get("clientToken", "-")):
        raise Refused("InvalidParameterException", "clientToken is not valid")
    strategy = asked.get("capacityProviderStrategy", [{}])
    is_fargate = asked.get("launchType") == "FARGATE" or "FARGATE" in strategy[0].get("capacityProvider", "")
    if is_fargate and "networkConfiguration" not in asked:
        raise Refused(
            "InvalidParameterException",
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        )
    if (
        is_fargate
        and "cpu" in overrides
        and (int(overrides["cpu"]), int(overrides["memory"])) not in FARGATE_SIZES
    ):
        raise Refused("InvalidParameterException", "No Fargate configuration exists for given values")
    definition = _task_definition(asked["taskDefinition"])
    known = {container["name"] for container in definition.container_definitions}
    for name in {one["name"] for one in overrides.get("containerOverrides", ())} - known:
        raise Refused(
            "InvalidParameterException",
            f"Override for container named {name} is not a container in the TaskDefinition.",
        )


def _check_stop_task(asked: dict[str, Any]) -> None:
    from moto.ecs.models import ecs_backends

    tasks = ecs_backends[ACCOUNT][REGION].tasks.get(asked["cluster"], {})
    if not any(arn.endswith(asked["task"].split("/")[-1]) for arn in tasks):
        raise Refused("InvalidParameterException", "The referenced task was not found.")


def _check_list_tasks(asked: dict[str, Any]) -> None:
    if "startedBy" in asked and {"family", "serviceName", "containerInstance"} & set(asked):
        raise Refused("InvalidParameterException", "startedBy must be the only filter")


def _check_submit_job(asked: dict[str, Any]) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][\w-]{0,127}", asked["jobName"]):
        raise Refused("ClientException", "Job name should match valid pattern")
    overrides = asked.get("containerOverrides", {})
    if {"vcpus", "memory"} & set(overrides):
        raise Refused("ClientException", "vcpus and memory are deprecated: give resourceRequirements")
    required = {one["type"]: float(one["value"]) for one in overrides.get("resourceRequirements", ())}
    if required and (round(required["VCPU"] * 1024), int(required["MEMORY"])) not in FARGATE_SIZES:
        raise Refused("ClientException", "Fargate resource requirements are not a supported combination")
    if asked.get("timeout", {}).get("attemptDurationSeconds", 60) < 60:
        raise Refused("ClientException", "attemptDurationSeconds must be at least 60")
    if not 1 <= asked.get("retryStrategy", {}).get("attempts", 1) <= 10:
        raise Refused("ClientException", "attempts must be from 1 to 10")


def _check_terminate_job(asked: dict[str, Any]) -> None:
    job = _jobs().get(asked["jobId"])
    if job is not None and job.status not in ("SUCCEEDED", "FAILED"):
        job.status = "FAILED"


def _check_invoke(asked: dict[str, Any]) -> None:
    if asked["FunctionName"] != FUNCTION:
        raise Refused("ResourceNotFoundException", f"Function not found: {asked['FunctionName']}", 404)


def _nothing(_: dict[str, Any]) -> None:
    return None


_RULES: dict[str, Callable[[dict[str, Any]], None]] = {
    "StopTask": _check_stop_task,
    "ListTasks": _check_list_tasks,
    "SubmitJob": _check_submit_job,
    "TerminateJob": _check_terminate_job,
    "Invoke": _check_invoke,
}


def _call(service: str, environ: dict[str, Any], content: bytes) -> Call:
    """Which operation a request is, and with which parameters, by botocore's model of the service."""
    model = service_model(service)
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return Call(service, target.partition(".")[2], json.loads(content))
    for name in model.operation_names:
        operation = model.operation_model(name)
        pattern = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", operation.http["requestUri"])
        found = re.fullmatch(pattern, environ["PATH_INFO"])
        if found and operation.http["method"] == environ["REQUEST_METHOD"]:
            members = operation.input_shape.members if operation.input_shape else {}
            headers = {member: _header(shape) for member, shape in members.items()}
            in_header = {one: environ[header] for one, header in headers.items() if header in environ}
            in_path = {member: unquote(value) for member, value in found.groupdict().items()}
            is_blob = "Payload" in members
            body = {"Payload": content} if is_blob else json.loads(content or b"{}")
            return Call(service, name, {**body, **in_path, **in_header})
    raise Refused("UnknownOperationException", f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}", 404)


def _header(shape: Any) -> str:
    """The header that a member stands in, as WSGI calls it."""
    name = str(shape.serialization.get("name", "-"))
    return f"HTTP_{name.upper().replace('-', '_')}"


def _jobs() -> dict[str, Any]:
    from moto.batch.models import batch_backends

    jobs: dict[str, Any] = batch_backends[ACCOUNT][REGION]._jobs
    return jobs


def _task_definition(name: str) -> Any:
    from moto.ecs.models import ecs_backends

    try:
        return ecs_backends[ACCOUNT][REGION].describe_task_definition(name)
    except Exception as error:
        raise Refused("ClientException", "Unable to describe task definition.") from error


def _bytes(answer: Iterable[bytes]) -> list[bytes]:
    return [b"".join(answer)]


def _json(start_response: Any, content: bytes) -> list[bytes]:
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(content)))]
    start_response("200 OK", headers)
    return [content]


@contextmanager
def amazon() -> Iterator[Amazon]:
    """An AWS on this host that has a cluster, a job queue and a function, as deploy/aws says."""
    from moto.core.config import default_user_config
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    aws = Amazon()
    moto = DomainDispatcherApplication(create_backend_app)
    default_user_config["batch"] = default_user_config["lambda"] = {"use_docker": False}
    server = make_server(
        "127.0.0.1",
        0,
        lambda environ, start_response: aws(environ, start_response, moto),
        threaded=True,
        request_handler=MotoRequestHandler,
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    aws.url = f"http://127.0.0.1:{server.server_port}"
    _furnish(aws)
    aws.calls.clear()
    yield aws
    server.shutdown()
    thread.join()
    server.server_close()


def _furnish(aws: Amazon) -> None:
    definition = json.loads((TEMPLATES / "ecs-task-definition.json").read_text())
    job_definition = json.loads((TEMPLATES / "batch-job-definition.json").read_text())
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = aws.client("iam").create_role(RoleName="rowcrew-worker", AssumeRolePolicyDocument=trust)
    arn = role["Role"]["Arn"]
    aws.subnet = aws.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    ecs, batch = aws.client("ecs"), aws.client("batch")
    ecs.create_cluster(clusterName="rowcrew")
    for container in definition["containerDefinitions"]:
        container.setdefault("memory", 512)  # the task's own, which moto does not see
    ecs.register_task_definition(**definition)
    batch.create_compute_environment(
        computeEnvironmentName="rowcrew", type="UNMANAGED", state="ENABLED", serviceRole=arn
    )
    order = [{"order": 1, "computeEnvironment": "rowcrew"}]
    batch.create_job_queue(jobQueueName="rowcrew", state="ENABLED", priority=1, computeEnvironmentOrder=order)
    batch.register_job_definition(**job_definition)
    aws.client("lambda").create_function(
        FunctionName=FUNCTION,
        Role=arn,
        Runtime="python3.13",
        Handler="handlers.worker",
        Code={"ZipFile": _empty_zip()},
    )


def _empty_zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("empty.py", "")
    return content.getvalue()
