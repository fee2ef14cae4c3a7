"""Whether a worker that comes and goes is to leave now, and why; and how many jobs it may still take.

In: the limits of its stay, and what it knows of itself at one moment. Out: the reason to leave, or None. The
caller brings the time. Called by `control.stay` and, for the number of jobs, by `control.road.appetite`.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from rowcrew.model.duration import duration

WhyStopped = Literal[
    "max_jobs", "idle_timeout", "max_runtime", "drained", "signal", "memory", "error", "lost"
]
"""Why a worker is gone, as its row says. `drained`: somebody asked it to finish, an operator or its host."""

DEFAULT_IDLE_SECONDS: Final = 30.0
LEAST_IDLE_SECONDS: Final = 0.5
"""A worker looks for rows on several roads, and needs this time even where its idle time is none."""
LAST_LOOK_SECONDS: Final = 5.0
"""How long a worker whose idle time is over waits for the answer to its last look for rows."""
NO_END: Final = 2**31


class Limits(NamedTuple):
    """What ends a stay; None = nothing of the kind does."""

    max_jobs_per_session: int | None = None
    idle_timeout_seconds: float | None = None
    max_runtime_seconds: float | None = None

    def filled_from(self, others: Limits) -> Limits:
        """These, and where there is none that of the others; a worker without work never stays for ever."""
        jobs, idle, runtime = self
        idle = others.idle_timeout_seconds if idle is None else idle
        return Limits(
            others.max_jobs_per_session if jobs is None else jobs,
            DEFAULT_IDLE_SECONDS if idle is None else idle,
            others.max_runtime_seconds if runtime is None else runtime,
        )

    def within(self, seconds: float | None) -> Limits:
        """These, and an end after so many seconds at the latest; None = these."""
        if seconds is None:
            return self
        runtime = self.max_runtime_seconds
        return self._replace(max_runtime_seconds=seconds if runtime is None else min(runtime, seconds))


def described(limits: Limits) -> str:
    """The limits in words, such as `10 jobs, 30 s without one, 5 min in all`."""
    jobs, idle, runtime = limits
    words = [
        None if jobs is None else f"{jobs} jobs",
        None if idle is None else f"{duration(idle)} without one",
        None if runtime is None else f"{duration(runtime)} in all",
    ]
    return ", ".join(filter(None, words))


class Moment(NamedTuple):
    """What a worker knows of itself now.

    Attributes:
        lived_seconds: since its start.
        idle_seconds: since the end of its last job, or since it first could take one.
        taken: how many jobs it has reserved so far.
        held: how many of them are at work, or ended and not recorded yet.
        has_looked: whether it has looked for rows since it became idle.
        is_draining: whether its row asks it to take no more jobs.
        has_outgrown: whether a runner has used more memory than it may.
    """

    lived_seconds: float
    idle_seconds: float
    taken: int
    held: int
    has_looked: bool
    is_draining: bool = False
    has_outgrown: bool = False


def jobs_left(limits: Limits, taken: int) -> int:
    """How many jobs the worker may still reserve."""
    most = limits.max_jobs_per_session
    return NO_END if most is None else max(0, most - taken)


def why_leave(limits: Limits, now: Moment) -> WhyStopped | None:
    """The reason to leave now. Nothing but the end of its time makes a worker leave while it holds a job."""
    if limits.max_runtime_seconds is not None and now.lived_seconds >= limits.max_runtime_seconds:
        return "max_runtime"
    if now.held:
        return None
    if now.has_outgrown:
        return "memory"
    if now.is_draining:
        return "drained"
    if not jobs_left(limits, now.taken):
        return "max_jobs"
    if limits.idle_timeout_seconds is not None and _is_idle_for_good(limits.idle_timeout_seconds, now):
        return "idle_timeout"
    return None


def _is_idle_for_good(limit_seconds: float, now: Moment) -> bool:
    over = now.idle_seconds - max(limit_seconds, LEAST_IDLE_SECONDS)
    return over >= 0 and (now.has_looked or over >= LAST_LOOK_SECONDS)
