"""The launcher `render`: a worker is a one-off job of a service of Render.

In: a launch and the settings LAUNCHER_RENDER_…. Out: one job with the service's build and variables; its
handle is the job's id. Render has neither variables nor names of a job's own: both stand in its command,
where a repeat is found too. Made by `named`, called by the spawner.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from rowcrew.settings.launchers import RenderSettings
from rowcrew.spawn.launcher import Launch, LaunchFailed, PlaceFailed
from rowcrew.spawn.launchers.rest import Rest

_PAGE: Final = 100
_GIB: Final = 2**30
_REMEDIES: Final = {
    401: "correct LAUNCHER_RENDER_API_KEY",
    404: "correct LAUNCHER_RENDER_SERVICE",
    429: "Render limits how many jobs are made in an hour",
}


class _Plan(NamedTuple):
    """An instance type of Render, smallest first."""

    id: str
    cpu: float
    memory: int


_PLANS: Final = {
    "srv": (
        _Plan("plan-srv-006", 0.5, _GIB // 2),
        _Plan("plan-srv-008", 1, 2 * _GIB),
        _Plan("plan-srv-010", 2, 4 * _GIB),
        _Plan("plan-srv-011", 4, 8 * _GIB),
        _Plan("plan-srv-013", 4, 16 * _GIB),
        _Plan("plan-srv-014", 8, 32 * _GIB),
    ),
    "crn": (
        _Plan("plan-crn-003", 0.5, _GIB // 2),
        _Plan("plan-crn-005", 1, 2 * _GIB),
        _Plan("plan-crn-007", 2, 4 * _GIB),
        _Plan("plan-crn-008", 4, 8 * _GIB),
    ),
}


class RenderLauncher:
    """Workers as one-off jobs of one service."""

    name: Final = "render"

    def __init__(self, settings: RenderSettings) -> None:
        self._settings = settings
        self._jobs_of_service = f"/services/{settings.service}/jobs"
        self._api = Rest(settings.url, place="Render", token=lambda: settings.api_key)

    def start(self, launch: Launch) -> str:
        job = job_of(self._settings, launch)
        try:
            return self._started(launch) or self._make(job, launch)
        except LaunchFailed:
            raise
        except PlaceFailed as failed:
            raise LaunchFailed(f"Render did not start {launch.name}: {failed}") from failed

    def running(self) -> Sequence[str]:
        mark = _mark(self._settings, "")
        return [job["id"] for job in self._unended() if mark in job["startCommand"]]

    def end(self, handle: str) -> None:
        job = f"{self._jobs_of_service}/{handle}"
        answer = self._api.ask("POST", f"{job}/cancel")
        if answer.status < 300 or answer.status == 404 or self._has_ended(job):
            return
        raise PlaceFailed(answer.told(f"Render did not end {handle}"))

    def _started(self, launch: Launch) -> str | None:
        """The job that serves this boot id already."""
        mark = _mark(self._settings, launch.boot_id)
        return next((job["id"] for job in self._unended() if mark in job["startCommand"]), None)

    def _make(self, job: dict[str, str], launch: Launch) -> str:
        answer = self._api.ask("POST", self._jobs_of_service, body=job, is_repeatable=False)
        if answer.status >= 300:
            words = answer.told(f"Render did not start {launch.name}")
            remedy = _REMEDIES.get(answer.status)
            raise LaunchFailed(f"{words}; {remedy}" if remedy else words)
        return str(answer.body["id"])

    def _unended(self) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {"status": ["pending", "running"], "limit": _PAGE}
        while True:
            answer = self._api.ask("GET", self._jobs_of_service, query=query)
            if answer.status != 200:
                remedy = _REMEDIES.get(answer.status)
                words = answer.told("Render does not tell which jobs run")
                raise PlaceFailed(f"{words}; {remedy}" if remedy else words)
            yield from (one["job"] for one in answer.body)
            if len(answer.body) < _PAGE:
                return
            query = {**query, "cursor": answer.body[-1]["cursor"]}

    def _has_ended(self, job: str) -> bool:
        answer = self._api.ask("GET", job)
        return answer.status == 200 and answer.body.get("status") in ("succeeded", "failed", "canceled")


def job_of(settings: RenderSettings, launch: Launch) -> dict[str, str]:
    """The job of this worker. Raises LaunchFailed when no plan is large enough."""
    variables = [f"{name}={value}" for name, value in launch.environment.items()]
    words = ["env", _mark(settings, launch.boot_id), *variables, *settings.program, *launch.arguments]
    return {"startCommand": shlex.join(words), **_plan(settings, launch)}


def _mark(settings: RenderSettings, boot_id: str) -> str:
    """What tells this installation's jobs from others in their commands."""
    return f"ROWCREW_LAUNCH={settings.label}/{boot_id}"


def _plan(settings: RenderSettings, launch: Launch) -> dict[str, str]:
    if launch.cpu is None and launch.memory is None:
        return {}
    cpu, memory = launch.cpu or 0, launch.memory or 0
    plans = _PLANS[settings.service[:3]]
    for plan in plans:
        if plan.cpu >= cpu and plan.memory >= memory:
            return {"planId": plan.id}
    raise LaunchFailed(
        f"no plan of Render has {cpu:g} cores and {memory} bytes: "
        f"the largest has {plans[-1].cpu:g} cores and {plans[-1].memory // _GIB} GiB"
    )
