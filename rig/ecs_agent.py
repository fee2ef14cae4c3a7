"""The agent of a task of ECS for tests, as far as it protects the task: what it lets in, and what it refuses.

It answers as the agent of AWS does, whose sources are public, and refuses what that refuses: fields that it
does not know, a role without the right, a task that belongs to no service.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rig.http_place import Reply, Request, served

TASK = "arn:aws:ecs:us-east-1:123456789012:task/rowcrew/0123456789abcdef0123456789abcdef"
ENDPOINT = "/api/f15d196b-ce78-4fc7-a648-a8b8e7f7be9b"
_MOST_MINUTES = 2880


class Agent:
    """The agent of one task.

    Attributes:
        url: what the task finds in ECS_AGENT_URI.
        asked: the requests that were carried out, in order.
        is_of_a_service: whether the task belongs to a service.
        may_be_asked: whether the task's role has the right.
        reaches_ecs: whether ECS answers the agent.
    """

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[dict[str, Any]] = []
        self.refused = 0
        self.is_of_a_service = True
        self.may_be_asked = True
        self.reaches_ecs = True

    @property
    def is_protected(self) -> bool:
        return bool(self.asked) and self.asked[-1]["ProtectionEnabled"]

    def answer(self, request: Request) -> Reply:
        reply = self._answer(request)
        self.refused += "protection" not in reply.body
        return reply

    def _answer(self, request: Request) -> Reply:
        if request.path != f"{ENDPOINT}/task-protection/v1/state":
            return _error(404, "ResourceNotFoundException", "Failed to find a task for the request")
        if request.method != "PUT":
            return _error(405, "MethodNotAllowed", request.method)
        asked = request.json
        if not isinstance(asked, dict) or set(asked) - {"ProtectionEnabled", "ExpiresInMinutes"}:
            return _error(400, "InvalidParameterException", "UpdateTaskProtection: failed to decode request")
        if not isinstance(asked.get("ProtectionEnabled"), bool):
            words = "Invalid request: does not contain 'ProtectionEnabled' field"
            return _error(400, "InvalidParameterException", words)
        if not self.may_be_asked:
            words = f"not authorized to perform: ecs:UpdateTaskProtection on resource: {TASK}"
            return _error(400, "AccessDeniedException", words)
        if not 1 <= asked.get("ExpiresInMinutes", 120) <= _MOST_MINUTES:
            words = "expiresInMinutes must be from 1 to 2880"
            return _error(400, "InvalidParameterException", words)
        if not self.reaches_ecs:
            return _error(504, "RequestCanceled", "Timed out calling ECS Task Protection API")
        if not self.is_of_a_service:
            return Reply(200, {"failure": {"Arn": TASK, "Reason": "TASK_NOT_VALID"}, "requestID": "1"})
        self.asked.append(asked)
        protection = {"ProtectionEnabled": asked["ProtectionEnabled"], "TaskArn": TASK}
        if asked["ProtectionEnabled"]:
            protection["ExpirationDate"] = "2026-11-27T10:00:00Z"
        return Reply(200, {"protection": protection, "requestID": "1"})


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"error": {"Arn": TASK, "Code": code, "Message": message}, "requestID": "1"})


@contextmanager
def agent_of_a_task() -> Iterator[Agent]:
    """An agent on this host."""
    agent = Agent()
    with served(agent.answer) as url:
        agent.url = f"{url}{ENDPOINT}"
        yield agent
