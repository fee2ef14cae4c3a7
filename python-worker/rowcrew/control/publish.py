"""Publishes in `job_types` what this worker's crew can run."""

from __future__ import annotations

import msgspec

from rowcrew.control.road.notes import raw
from rowcrew.model.manifest import Manifest
from rowcrew.table import worker as table
from rowcrew.table.link import Link


async def publish(link: Link, manifest: Manifest) -> None:
    """One row for each type; a newer worker's word replaces an older one's."""
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
    await table.publish_types(link, msgspec.json.encode(types).decode())
