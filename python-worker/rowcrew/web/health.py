"""Whether all is well with the crew, this process and its way to the database, for programs.

In: the sampler. Out: small documents with a status of HTTP. Called by platforms and load balancers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rowcrew.web.sampler import Sampler


def worker_health(sampler: Sampler) -> tuple[dict[str, Any], int]:
    """The worker that lives longest, what was processed in its time, and what is ready; 503 without any."""
    eldest = None if sampler.now.is_late else sampler.eldest
    queues = sampler.now.value.queues if sampler.now.value else []
    document = {
        "status": "healthy" if eldest else "unhealthy",
        "worker_id": eldest.name if eldest else None,
        "uptime_seconds": round(eldest.up_seconds) if eldest else 0,
        "jobs_processed": sampler.processed.value or 0,
        "queue_depth": sum(queue.ready for queue in queues),
    }
    return document, 200 if eldest else 503


def ready(sampler: Sampler) -> tuple[dict[str, Any], int]:
    """Whether the database answered lately."""
    if sampler.now.is_late:
        return {"status": "not ready", "problem": sampler.now.problem or "no answer yet"}, 503
    return {"status": "ready"}, 200


def ready_of_several(samplers: Mapping[str, Sampler]) -> tuple[dict[str, Any], int]:
    """Each database's answer; one that answers is enough, or a single outage would take all pages away."""
    each = {name: ready(sampler) for name, sampler in samplers.items()}
    is_ready = any(status == 200 for _, status in each.values())
    document = {
        "status": "ready" if is_ready else "not ready",
        "databases": {name: told["status"] for name, (told, _) in each.items()},
    }
    return document, 200 if is_ready else 503
