"""Render's API for tests, for what a spawner asks of it: the one-off jobs of one service.

It lets in one key, and refuses what the published schema of the real one refuses: jobs without a command,
plans of another kind of service, statuses and pages that do not exist, and more jobs in an hour than are
allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rig.http_place import Reply, Request, served

SERVICE = "srv-c24q2tmcie6so2aq3n90"
KEY = "rnd_0123456789"
_PLANS = {f"plan-srv-0{number}" for number in ("06", "08", "10", "11", "13", "14")}
_STATUSES = {"pending", "running", "succeeded", "failed", "canceled"}
_ENDED = {"succeeded", "failed", "canceled"}


class Refused(Exception):
    """An error of the API."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.reply = Reply(status, {"message": message}, headers)


class Service:
    """One background worker at Render, and the jobs that run beside it.

    Attributes:
        jobs: newest first.
        asked: what each of them was asked for with, oldest first.
        most_jobs: how many may be made in this hour.
        is_answer_lost: whether the answer to the next new job gets lost.
    """

    def __init__(self) -> None:
        self.url = ""
        self.jobs: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.most_jobs = 2000
        self.key = KEY
        self.is_answer_lost = False

    def end(self, id: str) -> None:
        """The job ends by itself."""
        self.job(id)["status"] = "succeeded"

    def job(self, id: str) -> dict[str, Any]:
        found = [job for job in self.jobs if job["id"] == id]
        if not found:
            raise Refused(404, f"not found: job {id}")
        return found[0]

    def answer(self, request: Request) -> Reply:
        try:
            return self._answer(request)
        except Refused as refused:
            return refused.reply

    def _answer(self, request: Request) -> Reply:
        if request.token != self.key:
            raise Refused(401, "Unauthorized")
        found = re.fullmatch(r"/v1/services/([^/]+)/jobs(?:/([^/]+?)(/cancel)?)?", request.path)
        if found is None or found[1] != SERVICE:
            raise Refused(404, f"not found: service {found and found[1]}")
        match request.method, found[2], found[3]:
            case "POST", None, None:
                return Reply(201, self.create(request.json))
            case "GET", None, None:
                return Reply(200, self._list(request.query))
            case "GET", id, None:
                return Reply(200, self.job(id))
            case "POST", id, "/cancel":
                return Reply(200, self._cancel(self.job(id)))
        raise Refused(405, "method not allowed")

    def create(self, asked: Any) -> dict[str, Any]:
        if not isinstance(asked, dict) or not asked.get("startCommand"):
            raise Refused(400, "invalid JSON: startCommand is required")
        if unknown := set(asked) - {"startCommand", "planId"}:
            raise Refused(400, f"invalid JSON: unknown field {sorted(unknown)}")
        if asked.get("planId", "plan-srv-006") not in _PLANS:
            raise Refused(400, f"invalid plan: {asked['planId']}")
        if len(self.jobs) >= self.most_jobs:
            raise Refused(429, "rate limit exceeded")
        job = {
            "id": f"job-{len(self.jobs):020d}",
            "serviceId": SERVICE,
            "planId": "plan-srv-006",
            "createdAt": "2026-01-01T00:00:00.000000Z",
            "status": "pending",
            **asked,
        }
        self.jobs.insert(0, job)
        self.asked.append(asked)
        if self.is_answer_lost:
            self.is_answer_lost = False
            raise Refused(503, "service unavailable", **{"Retry-After": "1"})
        return job

    def _list(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        statuses = set(query.get("status", _STATUSES))
        limit = int(query.get("limit", ["20"])[0])
        if not statuses <= _STATUSES or not 1 <= limit <= 100:
            raise Refused(400, "invalid query")
        listed = [job for job in self.jobs if job["status"] in statuses]
        first = 0
        if cursor := query.get("cursor", [""])[0]:
            first = 1 + [job["id"] for job in listed].index(cursor)
        return [{"job": job, "cursor": job["id"]} for job in listed[first : first + limit]]

    def _cancel(self, job: dict[str, Any]) -> dict[str, Any]:
        if job["status"] in _ENDED:
            raise Refused(409, f"job is already {job['status']}")
        job["status"] = "canceled"
        return job


@contextmanager
def render() -> Iterator[Service]:
    """A service of Render on this host."""
    service = Service()
    with served(service.answer) as url:
        service.url = f"{url}/v1"
        yield service
