"""Waits after a storm until its work is done, and tells which workers do not answer.

In: a site that is calm. Out: nothing is left to do, or the time is over: `rules` judge what is left then. The
time follows from the work that is left at the calm. A suspect shares a runner with few or has a worker for
itself, so a crowd of those that sleep takes long, however well the workers are.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from rowcrew.model.suspicion import MOST_GROUPS, alone_seconds, is_suspect, needs_worker_alone
from storm.site import Site

# What a run costs beside its sleep: a runner that is started for it, on a busy machine.
RUN_SECONDS: Final = 1.0

LEFT: Final = """
    SELECT coalesce((payload->>'seconds')::float8, 0), crashes
      FROM jobs
     WHERE status IN ('queued', 'processing') AND id NOT IN (SELECT "jobId" FROM jobs_set_aside)
"""


class Left(NamedTuple):
    """A job that is left at the calm: how long its handler sleeps, and how many deaths it was there at."""

    seconds: float
    crashes: int


def drain(site: Site, seconds: float) -> None:
    """Wait until every worker is back, nothing is left that can be taken, and all events are told.

    Args:
        site: where it is calm.
        seconds: what recovery may take before the work goes on.
    """
    left = [Left(*row) for row in site.patiently("storm watch", LEFT)]
    most = seconds + work_seconds(left, [site.slots[member.number] for member in site.members])
    print(f"storm: calm; {len(left)} jobs are left, for {most:.0f} s at most", flush=True)
    end = time.monotonic() + most
    while time.monotonic() < end:
        rows = site.patiently(
            "storm watch",
            """
            SELECT EXISTS (SELECT FROM jobs WHERE status IN ('queued', 'processing')
                              AND id NOT IN (SELECT "jobId" FROM jobs_set_aside))
                OR EXISTS (SELECT FROM events WHERE "messageId" IS NULL)
                OR EXISTS (SELECT FROM event_messages WHERE "deliveredAt" IS NULL AND "failedAt" IS NULL)
            """,
        )
        if not rows[0][0] and not silent(site):
            return
        time.sleep(0.5)


def work_seconds(left: Sequence[Left], slots: Sequence[int]) -> float:
    """How long workers with so many slots need for it, were each group of suspects down to one job."""
    fewest = min(slots)
    together = sum(RUN_SECONDS + job.seconds for job in left if not is_suspect(job.crashes))
    apart = sum(_runs(job, fewest) * (RUN_SECONDS + job.seconds) for job in left if is_suspect(job.crashes))
    longest = max((job.seconds for job in left), default=0.0)
    alone = sum(
        min(longest, alone_seconds(fewest, job.crashes))
        for job in left
        if needs_worker_alone(fewest, job.crashes)
    )
    return together / sum(slots) + apart / (MOST_GROUPS * len(slots)) + alone / len(slots)


def _runs(suspect: Left, slots: int) -> int:
    """A culprit in its group makes it run again, until it has a runner for itself."""
    return max(1, slots.bit_length() - suspect.crashes + 1)


def silent(site: Site) -> list[str]:
    """Workers without a recent heartbeat, though nothing hinders them any more."""
    rows = site.patiently(
        "storm watch",
        """
        SELECT pid FROM workers
         WHERE "lostAt" IS NULL AND "stoppedAt" IS NULL
           AND "heartbeatAt" > clock_timestamp() - interval '10 seconds'
        """,
    )
    proved = {pid for (pid,) in rows}
    return [
        f"process {member.number} does not prove life after the calm"
        for member in site.members
        if member.worker is None or member.worker.pid not in proved
    ]
