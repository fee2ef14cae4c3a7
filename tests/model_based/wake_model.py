"""Who looks for a place under a limit, and why: the wake-ups of two workers as a state machine.

One queue with a limit; worker 1 serves jobs of type x, worker 2 those of type y as well. What a look counts
and what it takes are two steps, and a notification arrives later than it was sent. Nobody polls: where all is
at rest, no free place may be left beside a row that somebody could start in it. Leases are `lease_model`'s,
changes by hand and deaths `flow_model`'s.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.model_based.walking import Explored, walk

LIMIT: Final = 2
SLOTS: Final = 2
SERVES: Final = ("x", "xy")


@dataclass(frozen=True)
class Rules:
    """What may be broken on purpose."""

    told_after_the_commit: bool = True
    announces_what_is_left: bool = True
    hears_while_it_looks: bool = True
    lost_lock_is_tried_again: bool = True
    who_closes_announces: bool = True


class Job(NamedTuple):
    """A row that has not ended, and its run. `over`: the run has ended, and its end is not yet recorded."""

    type: str
    status: str = "queued"
    holder: int = -1


class Look(NamedTuple):
    """A look under way: the jobs that it takes, and whether these are all it might have taken."""

    jobs: tuple[Job, ...]
    fills: bool
    freed: int


class Worker(NamedTuple):
    """`due`: it looks soon. `full`: it found no place. `freed`: places its runs left since it looked.

    `heard`: it was told of a place during its look. `rows`, `places`: notifications on their way to it.
    """

    due: bool = True
    full: bool = False
    freed: int = 0
    look: Look | None = None
    heard: bool = False
    rows: bool = False
    places: bool = False
    closed: bool = False


class State(NamedTuple):
    """`jobs` are in order, for they are all alike. `inserts`: how many more rows somebody inserts."""

    jobs: tuple[Job, ...] = (Job("x"), Job("x"), Job("y"))
    workers: tuple[Worker, Worker] = (Worker(), Worker())
    inserts: int = 1


Step = tuple[str, State]


def explore(rules: Rules) -> Explored:
    """Every state there is."""
    return walk(
        State(), functools.partial(steps, rules), broken_promise, left_behind=functools.partial(left, rules)
    )


def steps(rules: Rules, state: State) -> Iterator[Step]:
    yield from by_itself(rules, state)
    for job in sorted(set(state.jobs)):
        if job.status == "running":
            after = _changed(state, job, job._replace(status="over"))
            told = 0 if rules.told_after_the_commit else 1
            yield f"a run of {job.type} ends at worker {job.holder + 1}", _freed(after, job.holder, told)
    if state.inserts:
        first, second = (worker._replace(rows=True) for worker in state.workers)
        jobs = tuple(sorted((*state.jobs, Job("x"))))
        yield "a job of type x is inserted", State(jobs, (first, second), state.inserts - 1)
    if not state.workers[0].closed:
        yield "worker 1 takes no more jobs", _with(state, 0, closed=True)


def by_itself(rules: Rules, state: State) -> Iterator[Step]:
    """What comes without anybody's doing."""
    for job in sorted(set(state.jobs)):
        if job.status == "over":
            told = 1 if rules.told_after_the_commit else 0
            after = _freed(_changed(state, job, None), job.holder, told)
            yield f"worker {job.holder + 1} records a job of type {job.type}", after
    for index, worker in enumerate(state.workers):
        if worker.look is not None:
            taken = _taken(rules, state, index, worker.look)
            yield f"worker {index + 1} takes {[job.type for job in worker.look.jobs]}", taken
        else:
            yield from _next_look(rules, state, index, worker)
        yield from _hears(rules, state, index, worker)


def _next_look(rules: Rules, state: State, index: int, worker: Worker) -> Iterator[Step]:
    has_room = not worker.closed and _room(state, index)
    if has_room and (worker.due or (worker.freed and worker.full)):
        yield from _look(rules, state, index, worker)
    elif worker.freed and (rules.who_closes_announces or not worker.closed):
        yield f"worker {index + 1} announces", _announced(_with(state, index, freed=0))


def _hears(rules: Rules, state: State, index: int, worker: Worker) -> Iterator[Step]:
    if worker.places:
        heard = rules.hears_while_it_looks and worker.look is not None
        woken = _with(state, index, places=False, heard=heard, due=worker.look is None or worker.due)
        yield f"worker {index + 1} hears of a place", woken
    if worker.rows and worker.look is None:  # one that looks asks itself afterwards
        woken = _with(state, index, rows=False, due=worker.due or not worker.full)
        yield f"worker {index + 1} hears of rows", woken


def _look(rules: Rules, state: State, index: int, worker: Worker) -> Iterator[Step]:
    name = f"worker {index + 1}"
    if any(other.look is not None for other in state.workers):
        if not rules.lost_lock_is_tried_again:
            yield f"{name} finds the lock taken", _with(state, index, due=False, freed=0)
        return
    free = max(0, min(LIMIT - _running(state), _room(state, index)))
    ready = [job for job in state.jobs if job.status == "queued" and job.type in SERVES[index]]
    look = Look(tuple(ready[:free]), len(ready) >= free, worker.freed)
    after = _with(state, index, look=look, due=False, freed=0, heard=False)
    yield f"{name} counts {free} free places", after


def _taken(rules: Rules, state: State, index: int, look: Look) -> State:
    for job in look.jobs:
        state = _changed(state, job, job._replace(status="running", holder=index))
    due = bool(look.jobs) or state.workers[index].heard
    state = _with(state, index, look=None, full=look.fills, due=due, heard=False)
    left = look.freed - len(look.jobs) if rules.announces_what_is_left else look.freed and not look.jobs
    return _announced(state) if left > 0 else state


def _announced(state: State) -> State:
    first, second = state.workers
    return state._replace(workers=(first._replace(places=True), second._replace(places=True)))


def _freed(state: State, index: int, places: int) -> State:
    return _with(state, index, freed=state.workers[index].freed + places)


def _running(state: State) -> int:
    """Rows that take a place: a run that is over does until its end is recorded."""
    return sum(job.status in ("running", "over") for job in state.jobs)


def _room(state: State, index: int) -> int:
    return SLOTS - sum(job.status == "running" and job.holder == index for job in state.jobs)


def _with(state: State, index: int, **change: object) -> State:
    first, second = state.workers
    changed = Worker(**(state.workers[index]._asdict() | change))
    return state._replace(workers=(changed, second) if index == 0 else (first, changed))


def _changed(state: State, job: Job, into: Job | None) -> State:
    jobs = list(state.jobs)
    jobs.remove(job)
    return state._replace(jobs=tuple(sorted(jobs if into is None else [*jobs, into])))


def broken_promise(_before: State, _step: str, after: State) -> str | None:
    return "never more runs than the limit allows" if _running(after) > LIMIT else None


def left(rules: Rules, state: State) -> str | None:
    """What nobody would ever find, if nobody polled: all is at rest, but for runs that go on."""
    if _running(state) >= LIMIT or any(by_itself(rules, state)):
        return None
    for index, worker in enumerate(state.workers):
        ready = any(job.status == "queued" and job.type in SERVES[index] for job in state.jobs)
        if ready and not worker.closed and _room(state, index):
            return "a free place and a row that could start in it do not both stay"
    return None
