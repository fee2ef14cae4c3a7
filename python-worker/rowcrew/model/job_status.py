"""What a row says about its job, for a program that waits for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from rowcrew.model.status import ENDED, Status


class JobStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One job as it stood when somebody read it. `progress` and `result` are JSON values; times are UTC."""

    id: int
    type: str
    queue: str
    status: Status
    priority: int
    attempts: int
    max_attempts: int
    progress: Any
    result: Any
    error_message: str | None
    created_at: datetime
    updated_at: datetime
    run_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED
