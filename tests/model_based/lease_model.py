"""The lease protocol as a state machine: two workers, one database, one job, and all that can go wrong.

`explore` walks every interleaving within a budget of faults and of changes by hand. One job is enough: every
statement proves the lease of each row by itself. What takes several jobs has models of its own, `limit_model`
and `wait_model`. Time is one event, `a lease goes by`: whoever is awake and connected has had time to beat
and to look, whoever is cut off has stopped its runs; whoever is paused has done nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.model_based import database as table
from tests.model_based.database import ENDED, MAX_ATTEMPTS, Database, End, Fence, by_lease
from tests.model_based.walking import Explored, walk

HANDS: Final = ("hand cancels", "hand requeues")
# What a worker gives back is released by itself: `_a_lease_goes_by`.
OUTCOMES: Final = ("completed", "errored", "waiting")


@dataclass(frozen=True)
class Protocol:
    """What may be broken on purpose."""

    fence: Fence = by_lease
    rescue_proves_silence: bool = True
    requeue_waits: bool = True
    fences_itself: bool = True
    places_are_durable: bool = True
    place_outlives_a_hand: bool = True
    wait_refunds: bool = True


class Run(NamedTuple):
    """A job in a worker's hands. `outcome` is None while the handler runs; `slept`: its worker was paused."""

    lease: int
    attempt: int
    outcome: str | None = None
    slept: bool = False


class Sight(NamedTuple):
    """What a worker saw of another: its heartbeats, and whether they stood still for a whole lease since."""

    worker: int
    beats: int
    silent: bool = False


class Worker(NamedTuple):
    """`proven`: its last heartbeat was acknowledged, and it neither slept nor closed its fence since."""

    number: int
    up: bool = True
    paused: bool = False
    connected: bool = True
    proven: bool = True
    runs: frozenset[Run] = frozenset()
    unknown: int = 0
    sights: frozenset[Sight] = frozenset()

    @property
    def works(self) -> bool:
        return self.up and not self.paused

    @property
    def reaches_the_table(self) -> bool:
        return self.works and self.connected


class State(NamedTuple):
    """`durable`: what a crash of the server leaves, when commits are not on disk yet."""

    database: Database
    workers: tuple[Worker, Worker]
    durable: Database | None = None
    leases: int = 0
    faults: int = 0
    hands: int = 0
    ended: frozenset[int] = frozenset()
    undone: frozenset[int] = frozenset()


Step = tuple[str, State]
START: Final = State(Database(), (Worker(1), Worker(2)))


def explore(
    protocol: Protocol, *, limited: bool = False, leases: int = 2, faults: int = 2, hands: int = 1
) -> Explored:
    """Every state within so many reservations, faults and changes by hand.

    `limited`: the queue has a limit. To a place an error is what a completion is, so none is walked there.
    """
    return walk(
        START._replace(database=Database(limited=limited)),
        functools.partial(steps, protocol, leases=leases, faults=faults, hands=hands),
        broken_promise,
        told_alike=_without_history,
    )


def _without_history(state: State) -> State:
    """Heartbeats matter only as moved or not since they were seen: count them from there."""
    database, durable = state.database, state.durable
    beats = database.beats
    if not any(beats) and not (durable and any(durable.beats)):
        return state
    workers = tuple(
        worker._replace(
            sights=frozenset(s._replace(beats=-int(s.beats != beats[s.worker])) for s in worker.sights)
        )
        for worker in state.workers
    )
    still = (0,) * len(beats)
    return state._replace(
        database=database._replace(beats=still),
        durable=durable and durable._replace(beats=still),
        workers=(workers[0], workers[1]),
    )


# The steps.


def steps(protocol: Protocol, state: State, *, leases: int, faults: int, hands: int) -> Iterator[Step]:
    for index, worker in enumerate(state.workers):
        if worker.works:
            outcomes = [how for how in OUTCOMES if how != "errored" or not state.database.limited]
            yield from _handlers_end(state, index, worker, outcomes)
        if worker.reaches_the_table:
            # Whoever reserves first is called worker 1: the mirror images need no look of their own.
            may_reserve = worker.proven and (state.leases > 0 or index == 0) and state.leases < leases
            if may_reserve and table.is_ready(state.database, worker.number):
                yield from _reserve(protocol, state, index, worker, faults)
            yield from _record(protocol, state, index, worker, faults)
            yield from _beat(state, index, worker)
            yield from _look(state, index, worker)
            yield from _watch(protocol, state, index, worker)
        if state.faults < faults:
            yield from _trouble(state, index, worker)
        yield from _recover(state, index, worker)
    if state.hands < hands:
        yield from _by_hand(protocol, state)
    if state.database.row.parked:
        yield "what it waited for has ended", _committed(state, table.let_run(state.database))
    if state.faults < faults and state.durable is not None:
        yield "the server crashes and loses its last commits", _server_crash(state, state.durable)
    after = _a_lease_goes_by(protocol, state)
    if after != state:
        yield "a lease goes by", after


def _handlers_end(state: State, index: int, worker: Worker, outcomes: list[str]) -> Iterator[Step]:
    for run in worker.runs:
        if run.outcome is None:
            for how in outcomes:
                yield (
                    f"worker {index + 1}: the run of lease {run.lease} ends, {how}",
                    _with(state, index, worker._replace(runs=worker.runs - {run} | {_ended(run, how)})),
                )


def _ended(run: Run, how: str) -> Run:
    if how == "errored":
        how = "failed" if run.attempt >= MAX_ATTEMPTS else "retried"
    return run._replace(outcome=how)


def _reserve(protocol: Protocol, state: State, index: int, worker: Worker, faults: int) -> Iterator[Step]:
    """Committed; but on disk only if it takes a place."""
    lease = state.leases + 1
    database = table.reserve(state.database, worker.number, lease)
    is_durable = database.row.placed and protocol.places_are_durable
    durable = None if is_durable else state.durable or state.database
    reserved = state._replace(database=database, leases=lease, durable=durable)
    run = Run(lease, database.row.attempts)
    yield (
        f"worker {index + 1} reserves: lease {lease}",
        _with(reserved, index, worker._replace(runs=worker.runs | {run})),
    )
    if state.faults < faults:
        yield (
            f"worker {index + 1} reserves lease {lease}, the reply is lost",
            reserved._replace(faults=state.faults + 1),
        )


def _record(protocol: Protocol, state: State, index: int, worker: Worker, faults: int) -> Iterator[Step]:
    for run in worker.runs:
        if run.outcome is None:
            continue
        end = End(run.lease, run.attempt, run.outcome)
        database, reply = table.record(state.database, worker.number, end, protocol.fence)
        if reply == "DONE" and run.outcome == "waiting" and not protocol.wait_refunds:
            database = database._replace(row=database.row._replace(attempts=run.attempt))
        told = _with(_committed(state, database), index, worker._replace(runs=worker.runs - {run}))
        if reply == "DONE":
            told = told._replace(ended=state.ended | {run.lease})
        name = f"worker {index + 1} records lease {run.lease} as {run.outcome}"
        yield f"{name}: {reply}", told
        if reply == "DONE" and state.faults < faults:
            untold = _with(told, index, worker)._replace(faults=state.faults + 1)
            yield f"{name}: {reply}, the reply is lost", untold


def _beat(state: State, index: int, worker: Worker) -> Iterator[Step]:
    after = _beaten(state, index)
    if after != state:
        yield f"worker {index + 1} beats", after


def _beaten(state: State, index: int) -> State:
    worker = state.workers[index]
    database, alive = table.beat(state.database, worker.number)
    if alive:
        return _with(_committed(state, database), index, worker._replace(proven=True))
    return _with(state, index, _entered_anew(state, worker))


def _entered_anew(state: State, worker: Worker) -> Worker:
    """Others have its jobs: it kills its runs, and gets a row of its own in `workers` again."""
    ended = frozenset(run for run in worker.runs if run.outcome is not None)
    return Worker(worker.number, runs=ended, proven=worker.number not in state.database.lost)


def _look(state: State, index: int, worker: Worker) -> Iterator[Step]:
    after = _looked(state, index)
    if after != state:
        yield f"worker {index + 1} looks which leases it holds", after


def _looked(state: State, index: int) -> State:
    """Stop what the table does not know; give back, at the second look, what it knows and nobody holds."""
    worker, row = state.workers[index], state.database.row
    held = row.lease if row.status == "processing" and row.holder == worker.number else 0
    database = state.database
    for run in worker.runs:
        if run.outcome is None and run.lease != held:
            database = table.acknowledge(database, run.lease)
    runs = frozenset(run for run in worker.runs if run.outcome is not None or run.lease == held)
    unknown = held if held and held not in {run.lease for run in worker.runs} else 0
    if unknown and unknown == worker.unknown:
        database, _ = table.record(database, worker.number, End(unknown, row.attempts, "released"))
        state = state._replace(ended=state.ended | {unknown})
        unknown = 0
    after = _committed(state, database) if database != state.database else state
    return _with(after, index, worker._replace(runs=runs, unknown=unknown))


def _watch(protocol: Protocol, state: State, index: int, worker: Worker) -> Iterator[Step]:
    other = state.workers[1 - index].number
    if other not in {sight.worker for sight in worker.sights} and other not in state.database.lost:
        sight = Sight(other, state.database.beats[other])
        yield (
            f"worker {index + 1} observes the other",
            _with(state, index, worker._replace(sights=worker.sights | {sight})),
        )
    for sight in worker.sights:
        if sight.silent:
            seen = sight.beats if protocol.rescue_proves_silence else None
            database = table.rescue(state.database, sight.worker, seen)
            yield (
                f"worker {index + 1} rescues the jobs of the other",
                _with(_committed(state, database), index, worker._replace(sights=worker.sights - {sight})),
            )


def _trouble(state: State, index: int, worker: Worker) -> Iterator[Step]:
    state = state._replace(faults=state.faults + 1)
    if worker.works:
        slept = frozenset(run._replace(slept=True) for run in worker.runs)
        paused = worker._replace(paused=True, proven=False, runs=slept)
        yield f"worker {index + 1} is paused", _with(state, index, paused)
        yield (
            f"worker {index + 1} is killed",
            _with(state, index, Worker(worker.number, up=False, proven=False)),
        )
    if worker.reaches_the_table:
        yield f"worker {index + 1} is cut off", _with(state, index, worker._replace(connected=False))


def _recover(state: State, index: int, worker: Worker) -> Iterator[Step]:
    if worker.paused:
        yield f"worker {index + 1} wakes", _with(state, index, worker._replace(paused=False))
    if not worker.connected:
        # What was seen before counts no more.
        back = worker._replace(connected=True, proven=False, sights=frozenset())
        yield f"worker {index + 1} is connected again", _with(state, index, back)


def _by_hand(protocol: Protocol, state: State) -> Iterator[Step]:
    changes = (table.cancel(state.database), table.requeue(state.database, waits=protocol.requeue_waits))
    for name, database in zip(HANDS, changes, strict=True):
        if database != state.database:
            lingers = database.row.lingers and protocol.place_outlives_a_hand
            changed = database._replace(row=database.row._replace(lingers=lingers))
            yield name, _committed(state, changed)._replace(hands=state.hands + 1)


def _server_crash(state: State, durable: Database) -> State:
    """Commits that were not on disk are gone, and every connection with them."""
    workers = tuple(worker._replace(proven=False, sights=frozenset()) for worker in state.workers)
    gone = frozenset({state.database.row.lease} - {durable.row.lease})
    return state._replace(
        database=durable,
        durable=None,
        workers=(workers[0], workers[1]),
        faults=state.faults + 1,
        undone=state.undone | gone,
    )


def _a_lease_goes_by(protocol: Protocol, state: State) -> State:
    for index, worker in enumerate(state.workers):
        if worker.reaches_the_table:
            state = _looked(_beaten(state, index), index)
        elif worker.works and protocol.fences_itself:
            stopped = frozenset(run if run.outcome else _ended(run, "released") for run in worker.runs)
            state = _with(state, index, worker._replace(runs=stopped, proven=False))
    beats = state.database.beats
    for index, worker in enumerate(state.workers):
        if worker.reaches_the_table:
            sights = frozenset(s._replace(silent=True) for s in worker.sights if s.beats == beats[s.worker])
            state = _with(state, index, worker._replace(sights=sights))
    return state._replace(database=table.due(state.database))


def _with(state: State, index: int, worker: Worker) -> State:
    first, second = state.workers
    return state._replace(workers=(worker, second) if index == 0 else (first, worker))


def _committed(state: State, database: Database) -> State:
    """A durable commit brings everything before it to disk as well."""
    return state._replace(database=database, durable=None)


# The promises.


def broken_promise(before: State, step: str, after: State) -> str | None:
    old, new = before.database.row, after.database.row
    if not 0 <= new.attempts <= MAX_ATTEMPTS:
        return "no more runs begin than the job has attempts"
    if new.status == "queued" and new.attempts == MAX_ATTEMPTS:
        return "a queued job has an attempt left"
    if "records" in step and "DONE" in step:
        lease = int(step.partition("lease ")[2].split()[0])
        if lease in before.ended:
            return "of one lease only one end is accepted"
        if lease != old.lease or old.status != "processing":
            return "a stale lease changes no row"
    if old.status in ENDED and new.status != old.status and not step.startswith(("hand", "the server")):
        return "an ended job changes only by hand"
    if "rescues" in step and new.status != old.status:
        holder = next(worker for worker in before.workers if worker.number == old.holder)
        if holder.works and holder.proven:
            return "nobody takes the job of a worker that has proven its life"
    return _broken_by_runs(after)


def _broken_by_runs(state: State) -> str | None:
    if sum(_runs_in_good_order(worker, state.undone) for worker in state.workers) > 1:
        return "while a worker is awake nobody else runs its job"
    if not state.database.limited or table.takes_a_place(state.database.row):
        return None
    if any(_runs_in_good_order(worker, frozenset()) for worker in state.workers):
        return "a run that goes on takes a place"
    return None


def _runs_in_good_order(worker: Worker, undone: frozenset[int]) -> int:
    """Runs that nobody may double: not of a worker that slept, nor of a reservation the server forgot."""
    return sum(
        run.outcome is None and not run.slept and run.lease not in undone
        for run in worker.runs
        if worker.works
    )
