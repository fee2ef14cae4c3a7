"""Whether all is well with the crew, this process and its way to the database, for programs.

In: the sampler. Out: small documents with a status of HTTP. Called by platforms and load balancers.
"""

from __future__ import annotations

from typing import Any

from rowcrew.web.sampler import Sampler


def worker_health(sampler: Sampler) -> tuple[dict[str, Any], int]:
    """The worker that lives longest, what was processed in its time, and what is ready; 503 without any."""
    crew = None if sampler.crew.is_late else sampler.crew.value
    eldest = crew.eldest if crew else None
    document = {
        "status": "healthy" if eldest else "unhealthy",
        "worker_id": eldest.name if eldest else None,
        "uptime_seconds": round(eldest.up_seconds) if eldest else 0,
        "jobs_processed": crew.processed if crew else 0,
        "queue_depth": sum(queue.ready for queue in sampler.queues.value or []),
    }
    return document, 200 if eldest else 503


def ready(sampler: Sampler) -> tuple[dict[str, Any], int]:
    """Whether the database answered lately."""
    if sampler.queues.is_late:
        return {"status": "not ready", "problem": sampler.queues.problem or "no answer yet"}, 503
    return {"status": "ready"}, 200
