"""A reserved job and the lease that makes it ours, as they travel from the table to a runner."""

from __future__ import annotations

import msgspec


class Job(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One reserved job.

    Attributes:
        id: primary key of the row.
        lease_id: the fence, new for every reservation; every later write of the run proves it.
        attempt: number of this run, 1 for the first.
        max_attempts: how many runs are allowed.
        crashes: deaths of a runner or worker during this job that could not be blamed on one job.
        timeout_seconds: the row's own limit of one run, if any.
        run_at: when the job became due, in UTC; orders the ready line, never compared with a clock.
        payload: the handler's input as the JSON text of an object.
        checkpoint: what the last attempt left for this one, as JSON text.
        wait_seconds: from `run_at` to the reservation, by the database's clock.
        traceparent: which trace the job belongs to, as its producer wrote it; nobody has checked it.
    """

    id: int
    lease_id: str
    type: str
    queue: str
    priority: int
    attempt: int
    max_attempts: int
    crashes: int
    timeout_seconds: int | None
    run_at: str
    payload: str
    checkpoint: str | None = None
    wait_seconds: float = 0.0
    traceparent: str | None = None

    @property
    def is_last_attempt(self) -> bool:
        return self.attempt >= self.max_attempts
