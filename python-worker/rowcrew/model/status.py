"""The five statuses of a job, as the column holds them; a type checker refuses any other word."""

from __future__ import annotations

from typing import Final, Literal

Status = Literal["queued", "processing", "completed", "failed", "cancelled"]

LIVE: Final[tuple[Status, ...]] = ("queued", "processing")
ENDED: Final[tuple[Status, ...]] = ("completed", "failed", "cancelled")
STATUSES: Final = LIVE + ENDED
