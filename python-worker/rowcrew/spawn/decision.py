"""How many workers a queue wants now, and why: plain values in, a number and its reason in words out.

No clock, no input or output. `rounds` asks twice: of what it sees of all queues, and again of the one whose
row it has locked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from rowcrew.model.counting import counted
from rowcrew.model.duration import duration

_FIRST_PAUSE_SECONDS: Final = 5.0
_LONGEST_PAUSE_SECONDS: Final = 600.0
_MOST_DOUBLINGS: Final = 10


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a queue stands at one moment, as far as the number of its workers depends on it.

    Attributes:
        ready: jobs that would start now if slots were free.
        startable: how many the rates of the queue and of its keys let start now; None = no rate.
        processing: jobs that are at work.
        stranded: of these, those whose worker is gone, while no worker lives anywhere that would rescue them.
        oldest_wait_seconds: for how long the oldest has been due, startable or not; 0 = none is due.
        mean_run_seconds: how long its runs took lately; None = nobody has counted yet.
        live: workers that serve it, and those on their way.
        slots: of each worker that would be started.
        max_concurrent: how many of its jobs may run at once; None = any number, and one worker.
        target_wait_seconds: how long its jobs may wait before more workers come; None = not at all.
        cooldown_left_seconds: until the queue's cooldown is over.
        failures: rounds of launches in a row of which no worker registered.
        since_failure_seconds: since the last of these was given up.
    """

    ready: int = 0
    startable: int | None = None
    processing: int = 0
    stranded: int = 0
    oldest_wait_seconds: float = 0.0
    mean_run_seconds: float | None = None
    live: int = 0
    slots: int = 1
    max_concurrent: int | None = None
    target_wait_seconds: int | None = None
    paused: bool = False
    cooldown_left_seconds: float = 0.0
    failures: int = 0
    since_failure_seconds: float = 0.0

    @property
    def allowed(self) -> int:
        """How many workers the queue may have at most."""
        return math.ceil((1 if self.max_concurrent is None else self.max_concurrent) / self.slots)

    @property
    def pressing(self) -> int:
        """How many ready jobs a further worker could start."""
        return self.ready if self.startable is None else min(self.ready, self.startable)


@dataclass(frozen=True)
class Decision:
    """How many workers to start, why, and after how many seconds the answer may change by itself."""

    start: int
    reason: str
    again_seconds: float | None = None


def decide(standing: Standing) -> Decision:
    """The workers to start now. Nothing here ever ends one: those that are too many leave when idle."""
    if (hindrance := _hindrance(standing)) is not None:
        return Decision(0, hindrance)
    if not standing.pressing:
        return _first_for_stranded(standing)
    wanted, why = _wanted(standing)
    start = max(0, wanted - standing.live)
    if not start:
        return Decision(0, f"{why}, and {counted(standing.live, 'worker')} there")
    return _unless_too_soon(standing, start, f"{why}, and {counted(standing.live, 'worker')} there")


def pause_seconds(failures: int) -> float:
    """How long launches of a queue rest after so many rounds in a row that brought no worker."""
    if failures < 1:
        return 0.0
    return float(min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, _MOST_DOUBLINGS)))


def _hindrance(standing: Standing) -> str | None:
    """Why no worker would help, however many jobs wait."""
    if standing.paused:
        return "it is paused"
    if not standing.allowed:
        return "its limit lets nothing start"
    if standing.ready and not standing.pressing and not standing.stranded:
        return "its rate is used up"
    return None


def _first_for_stranded(standing: Standing) -> Decision:
    """Jobs of workers that died wait for any worker: it gives them back as soon as it starts."""
    if not standing.stranded or standing.live:
        is_full = not standing.ready and standing.oldest_wait_seconds
        return Decision(0, "the keys of what waits are full" if is_full else "nothing is ready")
    return _unless_too_soon(
        standing, 1, f"{counted(standing.stranded, 'job')} of dead workers, and nobody rescues"
    )


def _wanted(standing: Standing) -> tuple[int, str]:
    """How many workers there should be in all, and what asks for them."""
    backlog = math.ceil((standing.pressing + standing.processing) / standing.slots)
    most = min(backlog, standing.allowed)
    ready = counted(standing.pressing, "job")
    why = f"{ready} ready, {standing.processing} at work, {standing.allowed} allowed"
    if standing.target_wait_seconds is None:
        return most, why
    needed, waits = _for_target(standing, standing.target_wait_seconds)
    return min(most, needed), f"{why}, {waits}"


def _for_target(standing: Standing, target: int) -> tuple[int, str]:
    """The fewest workers with which nobody is expected to wait for longer than the target.

    The last of n ready jobs starts after about n mean runs, shared by all slots; the first has waited long.
    """
    enough = max(1, standing.live)
    if standing.oldest_wait_seconds > target:
        return (
            max(enough, standing.live + 1, _for_last(standing, target)),
            f"the oldest waits {duration(standing.oldest_wait_seconds)} of {duration(target)}",
        )
    if standing.mean_run_seconds is None:
        return enough, f"nobody waits over {duration(target)} yet"
    last = standing.pressing * standing.mean_run_seconds / (enough * standing.slots)
    needed = max(enough, _for_last(standing, target))
    return needed, f"the last would wait {duration(last)} of {duration(target)}"


def _for_last(standing: Standing, target: int) -> int:
    work = standing.pressing * (standing.mean_run_seconds or 0.0)
    return math.ceil(work / (target * standing.slots))


def _unless_too_soon(standing: Standing, start: int, why: str) -> Decision:
    """The same, once the cooldown and the pause after failed launches are over."""
    cooldown = standing.cooldown_left_seconds
    pause = pause_seconds(standing.failures) - standing.since_failure_seconds
    if cooldown <= 0 and pause <= 0:
        return Decision(start, why)
    if pause > cooldown:
        failed = counted(standing.failures, "round")
        return Decision(0, f"{failed} of launches failed, rests for {duration(pause)}", pause)
    return Decision(0, f"cools down for {duration(cooldown)}", cooldown)
