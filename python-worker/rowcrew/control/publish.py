"""Publishes what this worker's crew can run in `job_types`, and when by the clock in `schedules`."""

from __future__ import annotations

import msgspec

from rowcrew.control.road.notes import raw
from rowcrew.model.manifest import Manifest
from rowcrew.table import schedules, worker
from rowcrew.table.link import Link


async def publish(link: Link, manifest: Manifest, *, crew: str) -> None:
    """One row for each type and each declared schedule; a newer worker's word replaces an older one's.

    Args:
        crew: how the worker's crew is named; what it declared before and declares no more is paused.
    """
    types = [
        {
            "type": t.name,
            "queue": t.queue,
            "executor": t.executor,
            "timeoutSeconds": t.timeout_seconds,
            "maxAttempts": t.max_attempts,
            "priority": t.priority,
            "description": t.description,
            "payloadSchema": raw(t.payload_schema),
            "keepResultSeconds": t.keep_result_seconds,
        }
        for t in manifest.types
    ]
    await worker.publish_types(link, msgspec.json.encode(types).decode())
    declared = [
        {"name": t.name, "type": t.name, **msgspec.to_builtins(t.schedule)}
        for t in manifest.types
        if t.schedule is not None
    ]
    document, names = msgspec.json.encode(declared).decode(), [t.name for t in manifest.types]
    await schedules.publish_schedules(link, schedules=document, crew=crew, types=names)
