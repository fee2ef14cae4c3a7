"""Jobs and handlers made for tests."""

from __future__ import annotations

from typing import Any

import msgspec

from rowcrew.model.job import Job


def a_job(**changes: Any) -> Job:
    """A job on its first of three attempts; a payload given as a mapping becomes JSON."""
    payload = changes.pop("payload", "{}")
    values: dict[str, Any] = {
        "id": 7,
        "lease_id": "00000000-0000-0000-0000-000000000007",
        "type": "model_run",
        "queue": "default",
        "priority": 0,
        "attempt": 1,
        "max_attempts": 3,
        "crashes": 0,
        "timeout_seconds": None,
        "run_at": "2026-01-01 00:00:00",
        "payload": payload if isinstance(payload, str) else msgspec.json.encode(payload).decode(),
    }
    return Job(**{**values, **changes})
