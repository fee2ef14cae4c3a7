"""Limits and waiting as a state machine: two workers, a limit of one, and a job that waits for two others.

`explore` walks every interleaving. What a statement reads and what it writes are two steps: anything may come
in between. The leases themselves are `lease_model`'s, and who is woken by whom is `wake_model`'s; here a run
belongs to its worker until it ends or the worker lets go.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.model_based.walking import Explored, walk

LIMIT: Final = 1
WAITER: Final = 2
DEPENDENCIES: Final = (0, 1)
WORKERS: Final = (1, 2)
LIVE: Final = ("queued", "processing")
ENDS: Final = ("completed", "failed")
TELLS: Final = -1
LOOK_AT_IT: Final = -2


@dataclass(frozen=True)
class Rules:
    """What may be broken on purpose. `policy`: the waiter's."""

    policy: str = "completed"
    counts_under_the_lock: bool = True
    keeps_places_changed_by_hand: bool = True
    rescue_frees_places: bool = True
    looks_again: bool = True
    ends_are_told: bool = True
    reads_what_it_locked: bool = True
    looks_at_all: bool = True
    requeued_waits_anew: bool = True


class Job(NamedTuple):
    """A row. `holder`: the worker that has it, or has not let go. `watches`: a job, TELLS or LOOK_AT_IT."""

    status: str = "queued"
    holder: int = 0
    placed: bool = False
    watches: int | None = None
    awaited: bool = False

    @property
    def is_ready(self) -> bool:
        return self.status == "queued" and self.holder == 0 and self.watches is None


Jobs = tuple[Job, ...]


class State(NamedTuple):
    """`counts`: free places by worker, read and not yet used. `full`: who found none since it last looked.

    `seen`: the statuses that the examiner has read. `down`: who was killed and not yet rescued.
    """

    jobs: Jobs = (Job(), Job(), Job(watches=LOOK_AT_IT))
    runs: frozenset[tuple[int, int]] = frozenset()
    counts: tuple[tuple[int, int], ...] = ()
    full: frozenset[int] = frozenset()
    seen: tuple[str, ...] | None = None
    down: frozenset[int] = frozenset()
    faults: int = 0
    hands: int = 0


Step = tuple[str, State]


def explore(rules: Rules, *, faults: int = 1, hands: int = 1) -> Explored:
    """Every state within so many deaths of workers and changes by hand."""
    following = functools.partial(steps, rules, faults=faults, hands=hands)

    def left(state: State) -> str | None:
        return left_behind(state, [after for _, after in following(state)])

    return walk(State(), following, broken_promise, left_behind=left)


# The steps.


def steps(rules: Rules, state: State, *, faults: int, hands: int) -> Iterator[Step]:
    for worker in WORKERS:
        if worker in state.down:
            yield f"worker {worker} is rescued and comes back", _rescued(rules, state, worker)
            continue
        yield from _reserve(rules, state, worker)
        yield from _run(rules, state, worker)
        if state.faults < faults:
            yield f"worker {worker} is killed", _killed(state, worker)
    yield from _examine(rules, state)
    if state.hands < hands:
        yield from _by_hand(rules, state)


def _reserve(rules: Rules, state: State, worker: int) -> Iterator[Step]:
    counts = dict(state.counts)
    if worker in counts:
        yield f"worker {worker} takes what it found free", _taken(state, worker, counts.pop(worker))
    elif worker in state.full:
        if rules.looks_again:
            yield f"worker {worker} looks again", state._replace(full=state.full - {worker})
    elif any(job.is_ready for job in state.jobs) and not (counts and rules.counts_under_the_lock):
        free = max(0, LIMIT - sum(job.placed for job in state.jobs))
        after = state._replace(counts=tuple(sorted({**counts, worker: free}.items())))
        yield f"worker {worker} counts {free} free places", after


def _taken(state: State, worker: int, free: int) -> State:
    ready = [number for number, job in enumerate(state.jobs) if job.is_ready][:free]
    jobs, runs = state.jobs, state.runs
    for number in ready:
        jobs = _put(jobs, number, status="processing", holder=worker, placed=True)
        runs |= {(worker, number)}
    counts = tuple(count for count in state.counts if count[0] != worker)
    full = state.full if free else state.full | {worker}
    return state._replace(jobs=jobs, runs=runs, counts=counts, full=full)


def _run(rules: Rules, state: State, worker: int) -> Iterator[Step]:
    for run in state.runs:
        number = run[1]
        job = state.jobs[number]
        if run[0] != worker:
            continue
        without = state._replace(runs=state.runs - {run}, full=state.full - {worker})
        if job.status == "processing" and job.holder == worker:
            for status in ENDS:
                jobs = _ended(rules, _put(state.jobs, number, holder=0, placed=False), number, status)
                yield f"job {number} ends, {status}", without._replace(jobs=jobs)
        else:
            jobs = _put(state.jobs, number, holder=0, placed=False)
            yield f"worker {worker} lets go of job {number}", without._replace(jobs=jobs)


def _ended(rules: Rules, jobs: Jobs, number: int, status: str) -> Jobs:
    tells = jobs[number].awaited and rules.ends_are_told
    return _put(jobs, number, status=status, watches=TELLS if tells else None)


def _killed(state: State, worker: int) -> State:
    return state._replace(
        runs=frozenset(run for run in state.runs if run[0] != worker),
        counts=tuple(count for count in state.counts if count[0] != worker),
        full=state.full - {worker},
        down=state.down | {worker},
        faults=state.faults + 1,
    )


def _rescued(rules: Rules, state: State, worker: int) -> State:
    """Its runs are dead: what it held is ready again, what a hand has changed is let go."""
    jobs = state.jobs
    for number, job in enumerate(jobs):
        if job.holder == worker:
            status = "queued" if job.status == "processing" else job.status
            placed = job.placed and not rules.rescue_frees_places
            jobs = _put(jobs, number, status=status, holder=0, placed=placed)
    return state._replace(jobs=jobs, down=state.down - {worker})


def _by_hand(rules: Rules, state: State) -> Iterator[Step]:
    keeps = rules.keeps_places_changed_by_hand
    state = state._replace(hands=state.hands + 1)
    for number, job in enumerate(state.jobs):
        kept = _put(state.jobs, number, placed=job.placed and keeps)
        if job.status in LIVE:
            yield (
                f"hand cancels job {number}",
                state._replace(jobs=_ended(rules, kept, number, "cancelled")),
            )
        if job.status != "queued":
            waits = number == WAITER and rules.requeued_waits_anew
            again = _put(kept, number, status="queued", watches=LOOK_AT_IT if waits else None)
            yield f"hand requeues job {number}", state._replace(jobs=again)


# The examiner: what it reads, then what it decides under locks.


def _examine(rules: Rules, state: State) -> Iterator[Step]:
    watches = state.jobs[WAITER].watches
    told = {number for number, job in enumerate(state.jobs) if job.watches == TELLS}
    if state.seen is not None:
        yield "the examiner decides", _decided(rules, state, state.seen)
    elif watches == LOOK_AT_IT or told:
        yield "the examiner reads", state._replace(seen=tuple(job.status for job in state.jobs))


def _decided(rules: Rules, state: State, seen: tuple[str, ...]) -> State:
    """It clears what was told when it read, decides about the waiter, and marks what it waits for."""
    jobs, watches = state.jobs, state.jobs[WAITER].watches
    told = [n for n in DEPENDENCIES if jobs[n].watches == TELLS and seen[n] not in LIVE]
    state = state._replace(seen=None)
    for number in told:
        jobs = _put(jobs, number, watches=None)
    is_concerned = watches == LOOK_AT_IT or watches in told or (told and rules.policy == "failFast")
    if jobs[WAITER].status != "queued" or watches is None or not is_concerned:
        return state._replace(jobs=jobs)
    verdict = _verdict(rules, seen, watches)
    if isinstance(verdict, int):
        was_locked = jobs[verdict].status in LIVE or not rules.reads_what_it_locked
        return state._replace(jobs=_watching(jobs, verdict if was_locked else LOOK_AT_IT))
    jobs = _put(jobs, WAITER, status=verdict, watches=None)
    return state._replace(jobs=jobs)


def _watching(jobs: Jobs, watched: int) -> Jobs:
    for number in DEPENDENCIES:
        jobs = _put(jobs, number, awaited=True)
    return _put(jobs, WAITER, watches=watched)


def _verdict(rules: Rules, seen: tuple[str, ...], watches: int | None) -> str | int:
    """The status of the waiter, or the job that it watches from now on."""
    looked_at = DEPENDENCIES if rules.looks_at_all or watches not in DEPENDENCIES else (watches,)
    found = [seen[number] for number in looked_at]
    bad = next((status for status in ("failed", "cancelled") if status in found), None)
    if bad and rules.policy == "failFast":
        return bad
    live = [number for number in looked_at if seen[number] in LIVE]
    if live:
        return max(live)
    return bad if bad and rules.policy == "completed" else "queued"


def _put(jobs: Jobs, number: int, **change: object) -> Jobs:
    changed = Job(**(jobs[number]._asdict() | change))
    return (*jobs[:number], changed, *jobs[number + 1 :])


# The promises.


def broken_promise(before: State, step: str, after: State) -> str | None:
    if len(after.runs) > LIMIT:
        return "never more runs than the limit allows"
    waiter, was = after.jobs[WAITER], before.jobs[WAITER]
    if was.watches is not None and waiter.status == "queued" and waiter.watches is None:
        seen = before.seen or ()
        if any(seen[n] in LIVE and before.jobs[n].status in LIVE for n in DEPENDENCIES):
            return "no waiter is released with a live dependency"
    is_requeued = step == f"hand requeues job {WAITER}" and waiter.watches is None
    if is_requeued and any(before.jobs[number].status in LIVE for number in DEPENDENCIES):
        return "no waiter is released with a live dependency"
    return None


def left_behind(state: State, following: list[State]) -> str | None:
    """What stays for ever: nobody but a hand or a death would change this state, or free a place in it."""
    nobody_frees = not state.runs and not state.down and sum(job.placed for job in state.jobs) >= LIMIT
    if nobody_frees and any(job.is_ready for job in state.jobs):
        return "a free place and a ready row do not both stay"
    if any((after.hands, after.faults) == (state.hands, state.faults) for after in following):
        return None
    if any(job.is_ready for job in state.jobs):
        return "a free place and a ready row do not both stay"
    if state.jobs[WAITER].status == "queued":
        return "no waiter is left when all have ended"
    return None
