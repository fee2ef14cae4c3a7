"""The launcher `batch`: a worker is a job of AWS Batch.

In: a launch and the settings LAUNCHER_BATCH_…. Out: one SubmitJob, after a look for a job of the same name,
because Batch has no token that would make a repeat harmless. Its handle is the job's id. Made by `named`,
called by the spawner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from rowcrew.settings.launchers import BatchSettings
from rowcrew.spawn.launcher import Launch, LaunchFailed
from rowcrew.spawn.launchers.aws import as_pairs, client, named, told
from rowcrew.spawn.launchers.fargate import Size, fargate_size, wanted_size

_UNENDED: Final = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
_SHORTEST_SECONDS: Final = 60


class BatchLauncher:
    """Workers as jobs of one queue of AWS Batch."""

    name: Final = "batch"

    def __init__(self, settings: BatchSettings) -> None:
        self._settings = settings
        self._client = client("batch", settings, most_attempts=1)

    def start(self, launch: Launch) -> str:
        request = submit_job(self._settings, launch)
        with told(f"Batch did not start {launch.name}", LaunchFailed):
            started = self._id_of(request["jobName"])
            return str(started or self._client.submit_job(**request)["jobId"])

    def running(self) -> Sequence[str]:
        with told("Batch does not tell which workers run"):
            return [
                job["jobId"]
                for status in _UNENDED
                for page in self._pages(jobStatus=status)
                for job in page["jobSummaryList"]
                if job["jobName"].startswith(f"{self._settings.label}-")
            ]

    def end(self, handle: str) -> None:
        with told(f"Batch did not end {handle}", harmless=("not found", "does not exist")):
            self._client.terminate_job(jobId=handle, reason="The spawner asks this worker to end")

    def _id_of(self, name: str) -> str | None:
        """The id of the job of this name, ended or not."""
        pages = self._pages(filters=[{"name": "JOB_NAME", "values": [name]}])
        return next((job["jobId"] for page in pages for job in page["jobSummaryList"]), None)

    def _pages(self, **only: Any) -> Iterable[dict[str, Any]]:
        pages: Iterable[dict[str, Any]] = self._client.get_paginator("list_jobs").paginate(
            jobQueue=self._settings.queue, **only
        )
        return pages


def submit_job(settings: BatchSettings, launch: Launch) -> dict[str, Any]:
    """The request that starts this worker. Raises LaunchFailed when no request could."""
    overrides: dict[str, Any] = {
        "command": list(launch.arguments),
        "environment": as_pairs(launch.environment),
    }
    if wanted := wanted_size(launch):
        size = fargate_size(wanted) if settings.platform == "FARGATE" else _whole_cores(wanted)
        overrides["resourceRequirements"] = _requirements(size)
    return {
        "jobName": f"{settings.label}-{launch.boot_id}",
        "jobQueue": settings.queue,
        "jobDefinition": named(settings.definition, launch.queue),
        "containerOverrides": overrides,
        "retryStrategy": {"attempts": 1},  # the queue retries its jobs, the spawner its workers
        **_limit(launch.seconds),
    }


def _requirements(size: Size) -> list[dict[str, str]]:
    wanted = {"VCPU": f"{size.cpu / 1024:g}" if size.cpu else "", "MEMORY": str(size.mebibytes or "")}
    return [{"type": type, "value": value} for type, value in wanted.items() if value]


def _whole_cores(size: Size) -> Size:
    """Instances give whole cores only."""
    return size._replace(cpu=-(-size.cpu // 1024) * 1024)


def _limit(seconds: int | None) -> dict[str, Any]:
    if seconds is None:
        return {}
    return {"timeout": {"attemptDurationSeconds": max(_SHORTEST_SECONDS, seconds)}}
