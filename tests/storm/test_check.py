"""The checker reports each invariant that a history breaks, and nothing of a history that breaks none."""

from __future__ import annotations

from typing import Any

import pytest

from storm.check import RULES_AFTER_PROMOTION, check, timeline
from storm.crew import CANARY
from storm.history import (
    PARKED,
    Fault,
    Heard,
    History,
    LimitChange,
    Message,
    Plan,
    Run,
    Step,
    Tick,
    log_of,
    runs_of,
)
from storm.rules.rows import REPLACED

BEFORE = 0.5


def step(seq: int, status: str, attempts: int = 0, lease: str | None = None, **facts: Any) -> Step:
    """One step of job 1 in second `seq`, written by process 7."""
    known: dict[str, Any] = {
        "job": 1,
        "type": "sleeps",
        "most": 3,
        "run_at": BEFORE,
        "process": 7,
        "at": float(seq),
    }
    return Step(
        seq=seq,
        status=status,
        attempts=attempts,
        lease=lease,
        **{**known, "author": "rowcrew", **facts},
    )


def enqueued(seq: int = 1, **facts: Any) -> Step:
    return step(seq, "queued", **{"author": "storm producer", "process": None, **facts})


def run(lease: str, start: float, seen: float, how: str | None = "returned", **facts: Any) -> Run:
    known: dict[str, Any] = {"job": 1, "type": "sleeps", "process": 7, "pid": 70}
    return Run(lease=lease, start=start, seen=seen, how=how, **{**known, **facts})


QUEUED = enqueued()
RESERVED = step(2, "processing", 1, "a")
COMPLETED = step(3, "completed", 1, "a")
RESCUED = step(3, "queued", 0, "a", process=8, error="worker lost")
RESCUED_ALONE = step(3, "queued", 1, "a", process=8, error="worker lost; it ran nothing else")
REQUEUED = step(3, "queued", 0, "a", author="storm hands", process=None)
AFTER_REQUEUE = (step(34, "processing", 1, "b", process=8), step(35, "completed", 1, "b", process=8))
ON_THE_NEW_SERVER = (
    QUEUED,
    step(9, "processing", 1, "b", process=8),
    step(10, "completed", 1, "b", process=8),
)
AGAIN = step(4, "processing", 2, "b", process=8)
CANCELLED = step(3, "cancelled", 1, "a", author="storm hands", process=None)
RAN = run("a", 2.1, 2.9)


def reserved(seq: int, job: int, **facts: Any) -> Step:
    """The reservation of a job, at once counted under what limits it."""
    known: dict[str, Any] = {"queue": "narrow", "place_at": float(seq), "type": "counted"}
    return step(seq, "processing", 1, f"lease {job}", job=job, **{**known, **facts})


def completed(seq: int, job: int) -> Step:
    """By hand: no run of it is written down."""
    return step(seq, "completed", 1, f"lease {job}", job=job, queue="narrow", author="storm hands")


ALIKE = {"queue": "fair", "limited_key": "tenant 1"}
ONE = LimitChange(1, 1.0, queue="narrow", most=1)
FAIR = LimitChange(1, 1.0, queue="fair", most_per_key=1)


def waiter(seq: int, policy: str = "completed", **facts: Any) -> Step:
    """Job 2, which waits for job 1."""
    known: dict[str, Any] = {"status": "queued", "run_at": PARKED, "author": "storm producer"}
    known |= {"process": None, "waits_for": [1], "wait_policy": policy, **facts}
    return step(seq, known.pop("status"), job=2, **known)


def let_go(seq: int, policy: str = "completed", **facts: Any) -> Step:
    return waiter(seq, policy, **{"run_at": float(seq), "author": "rowcrew chores", "process": 8, **facts})


FAILED = step(3, "failed", 1, "a", author="storm hands", process=None)
IN_VAIN = {"status": "failed", "error": "waited for job 1, which failed"}


HOOK = "the-hook"
HEARD = Heard(HOOK, {"id": 1, "count": 1, "kind": "job.failed"})


def history(*steps: Step, runs: list[Run] | None = None, **facts: Any) -> History:
    return History(steps=list(steps), runs=[RAN] if runs is None else runs, **{"seen_at": 100.0, **facts})


SOUND = {
    "a run": history(QUEUED, RESERVED, COMPLETED, acknowledged=[1]),
    "a retry": history(
        QUEUED,
        RESERVED,
        step(3, "queued", 1, "a", type="raises"),
        step(4, "processing", 2, "b"),
        step(5, "completed", 2, "b"),
        runs=[RAN, run("b", 4.1, 4.9)],
        outcomes={"a": "retried"},
    ),
    "a failure that is told": history(
        enqueued(type="raises"),
        step(2, "processing", 1, "a", type="raises"),
        step(3, "failed", 1, "a", type="raises"),
        outcomes={"a": "failed"},
        failures_told=1,
        messages=[Message(1, HOOK, 1, 1)],
        heard=[HEARD, HEARD],
        listeners=frozenset({HOOK}),
    ),
    "places under limits": history(
        reserved(2, 1),
        completed(3, 1),
        reserved(4, 2),
        reserved(5, 3, **ALIKE),
        reserved(6, 4, queue="fair", limited_key="tenant 2"),
        reserved(8, 5),
        *(reserved(seq, seq, queue="paced", place_at=float(seq)) for seq in (9, 10, 11)),
        limits=[
            ONE,
            FAIR,
            LimitChange(1, 1.0, queue="paced", rate=1, period=1),
            LimitChange(7, 7.0, queue="narrow", most=2),
        ],
        runs=[],
        seen_at=1.0,
    ),
    "a reservation under way while its limit is lowered": history(
        reserved(2, 1),
        reserved(4, 2),
        limits=[LimitChange(1, 1.0, queue="narrow", most=2), LimitChange(3, 3.0, queue="narrow", most=1)],
        runs=[],
    ),
    "a waiter that is let go": history(
        QUEUED, RESERVED, waiter(2), COMPLETED, let_go(4), step(5, "processing", 1, "b", job=2)
    ),
    "a waiter that fails with another": history(QUEUED, waiter(2), FAILED, let_go(4, **IN_VAIN), runs=[]),
    "a waiter for an end": history(
        QUEUED,
        waiter(2, "ended"),
        FAILED,
        let_go(4, "ended"),
        step(5, "completed", job=2, author="storm"),
        runs=[],
    ),
    "a job that is said to be waited for while it runs": history(
        QUEUED,
        RESERVED,
        step(3, "processing", 1, "a", process=8, awaited=True),
        step(4, "completed", 1, "a", awaited=True),
        runs=[RAN],
    ),
    "a job of a schedule that comes when the one before it has ended": history(
        QUEUED, RESERVED, COMPLETED, enqueued(4, job=2), plans=[Plan("one at a time", "skip", [1, 2])]
    ),
    "a job that the next tick replaces": history(
        QUEUED,
        RESERVED,
        step(3, "queued", job=2, process=8),
        step(4, "cancelled", 1, "a", error=REPLACED, process=8, at=3.0),
        plans=[Plan("the newest", "cancelOld", [1, 2])],
    ),
    "a job that a hand lets live again while the next comes": history(
        QUEUED,
        CANCELLED,
        step(4, "queued", 1, "a", author="storm hands", process=None),
        step(5, "queued", job=2, process=8),
        plans=[Plan("one at a time", "skip", [1, 2])],
        runs=[],
    ),
    "ticks": history(runs=[], ticks=[Tick(2.0, 1), Tick(4.0, 1)], every_seconds=2),
    "a refund": history(
        QUEUED,
        RESERVED,
        step(3, "queued", 0, "a"),
        step(4, "failed", 0, "a", author="storm hands"),
        outcomes={"a": "released"},
    ),
    "a rescue": history(
        QUEUED,
        RESERVED,
        RESCUED,
        step(4, "processing", 1, "b", process=8),
        step(5, "completed", 1, "b", process=8),
        runs=[run("a", 2.1, 2.9, None), run("b", 4.1, 4.9, process=8)],
        outcomes={"a": "lost"},
    ),
    "a rescue of a job that had its worker alone": history(
        QUEUED,
        RESERVED,
        RESCUED_ALONE,
        AGAIN,
        step(5, "completed", 2, "b", process=8),
        runs=[run("a", 2.1, 2.9, None), run("b", 4.1, 4.9, process=8)],
        outcomes={"a": "lost"},
    ),
    "a run that goes on in a paused worker": history(
        QUEUED,
        RESERVED,
        RESCUED_ALONE,
        AGAIN,
        step(5, "completed", 2, "b", process=8),
        runs=[run("a", 2.1, 8.0), run("b", 4.1, 4.9, process=8)],
        outcomes={"a": "lost"},
        faults=[Fault("pause", 2.5, 7.0, 7)],
    ),
    "a run that is requeued by hand while its worker is paused": history(
        QUEUED,
        RESERVED,
        REQUEUED,
        *AFTER_REQUEUE,
        runs=[run("a", 2.1, 45.0), run("b", 34.1, 34.9, process=8)],
        faults=[Fault("pause", 2.5, 43.0, 7)],
    ),
    "a run whose reservation a crash of the server lost": history(
        QUEUED,
        step(4, "processing", 1, "b"),
        step(5, "completed", 1, "b"),
        runs=[RAN, run("b", 4.1, 4.9)],
        faults=[Fault("crash", 2.5, 3.5)],
    ),
    "a run whose reservation was lost with the old server": history(
        *ON_THE_NEW_SERVER,
        runs=[RAN, run("b", 9.1, 9.9, process=8)],
        faults=[Fault("promote", 1.5, 8.5)],
    ),
    "a run that begins late, and whose reservation was lost": history(
        *ON_THE_NEW_SERVER,
        runs=[run("a", 9.4, 9.6, "raised"), run("b", 9.1, 9.9, process=8)],
        faults=[Fault("promote", 1.5, 8.5)],
    ),
    "a retry for want of memory": history(
        QUEUED,
        RESERVED,
        step(3, "queued", 1, "a", error="MemoryError"),
        step(4, "processing", 2, "b"),
        step(5, "completed", 2, "b"),
        runs=[RAN, run("b", 4.1, 4.9)],
        outcomes={"a": "retried"},
        faults=[Fault("exhaust memory", 1.5, 2.5, 7)],
    ),
    "memory that comes and goes": history(
        QUEUED, RESERVED, COMPLETED, memory={7: [(s, (50 + s % 20) << 20) for s in range(600)]}
    ),
    "a worker that takes long to load its code": history(
        QUEUED, RESERVED, COMPLETED, memory={8: [(s, (50 + s // 4) << 20) for s in range(120)]}
    ),
    "a job for later": history(QUEUED, enqueued(2, run_at=200.0), runs=[]),
    "a stale save of a run that goes on": history(
        QUEUED,
        RESERVED,
        step(3, "processing", 1, "a", author="storm stale saves", process=None),
        step(4, "completed", 1, "a"),
    ),
    "an odd row": history(enqueued(type="odd_start"), runs=[], set_aside={1: (2, 80.0)}, acknowledged=[1]),
    "an odd row that was tried for an hour": history(
        enqueued(type="odd_start"), runs=[], set_aside={1: (11, 80.0 - 3_040.0)}, acknowledged=[1]
    ),
    "an odd row whose worker was killed": history(
        enqueued(type="odd_end"),
        step(2, "processing", 1, "a", type="odd_end"),
        set_aside={1: (4, 20.0)},
        faults=[Fault("kill worker", 2.5, 2.5, 7)],
    ),
    "a cancel": history(QUEUED, RESERVED, CANCELLED, runs=[run("a", 2.1, 8.0, "raised")], cancelled={1: 3.0}),
}

BROKEN = {
    "an acknowledged job is gone": ("I1", history(QUEUED, RESERVED, COMPLETED, acknowledged=[2])),
    "a job never ends": ("I2", history(QUEUED, runs=[])),
    "a reservation costs no attempt": (
        "I3",
        history(QUEUED, step(2, "processing", 0, "a"), step(3, "completed", 0, "a")),
    ),
    "a refund is dropped": (
        "I3",
        history(QUEUED, RESERVED, step(3, "queued", 1, "a"), outcomes={"a": "released"}),
    ),
    "a refund is given for a failure": (
        "I3",
        history(QUEUED, RESERVED, step(3, "queued", 0, "a"), outcomes={"a": "retried"}),
    ),
    "a run under a lease that never was": (
        "I3",
        history(QUEUED, RESERVED, COMPLETED, runs=[RAN, run("x", 2.2, 2.3)]),
    ),
    "an ended row is written by a worker": (
        "I4",
        history(QUEUED, RESERVED, COMPLETED, step(4, "failed", 1, "a")),
    ),
    "a lease is used twice": (
        "I4",
        history(
            QUEUED,
            RESERVED,
            step(3, "queued", 1, "a"),
            step(4, "processing", 2, "a"),
            step(5, "completed", 2, "a"),
        ),
    ),
    "a completed job has no effect": (
        "I4",
        history(
            enqueued(type="writes"),
            step(2, "processing", 1, "a", type="writes"),
            step(3, "completed", 1, "a", type="writes"),
        ),
    ),
    "a failed job has an effect": (
        "I4",
        history(
            enqueued(type="writes"),
            step(2, "processing", 1, "a", type="writes"),
            step(3, "failed", 1, "a", type="writes"),
            effects={1: 1},
        ),
    ),
    "a reservation tells no worker": (
        "I5",
        history(QUEUED, step(2, "processing", 1, "a", process=None), COMPLETED),
    ),
    "a stranger ends a run": ("I5", history(QUEUED, RESERVED, step(3, "completed", 1, "a", process=8))),
    "a lease is taken from its run": (
        "I5",
        history(
            QUEUED,
            RESERVED,
            step(3, "processing", 2, "b", process=8),
            step(4, "completed", 2, "b", process=8),
        ),
    ),
    "a completion comes before the run has ended": (
        "I5",
        history(QUEUED, RESERVED, COMPLETED, runs=[run("a", 2.1, 2.9, None)]),
    ),
    "a waiting row is ended by a worker": ("I5", history(QUEUED, step(2, "completed", 0, "a"))),
    "two runs at once though nothing was lost": (
        "I6",
        history(
            QUEUED,
            RESERVED,
            step(3, "queued", 0, "a"),
            step(4, "processing", 1, "b"),
            step(6, "completed", 1, "b"),
            runs=[run("a", 2.1, 5.0), run("b", 4.1, 5.9)],
            outcomes={"a": "released"},
        ),
    ),
    "a lost run goes on for too long": (
        "I6",
        history(
            QUEUED,
            RESERVED,
            RESCUED,
            AGAIN,
            step(50, "completed", 2, "b", process=8),
            runs=[run("a", 2.1, 30.0), run("b", 4.1, 49.0, process=8)],
            outcomes={"a": "lost"},
        ),
    ),
    "a run that is requeued by hand goes on though its worker could hear of it": (
        "I6",
        history(
            QUEUED,
            RESERVED,
            REQUEUED,
            *AFTER_REQUEUE,
            runs=[run("a", 2.1, 45.0), run("b", 34.1, 34.9, process=8)],
            faults=[Fault("pause", 20.0, 43.0, 7)],
        ),
    ),
    "more attempts than allowed": (
        "I7",
        history(enqueued(most=0), step(2, "processing", 1, "a", most=0), COMPLETED),
    ),
    "a harmless job pays": (
        "I7",
        history(QUEUED, RESERVED, step(3, "failed", 1, "a", error="TimeoutError"), outcomes={"a": "failed"}),
    ),
    "a harmless job pays for what another left in its runner": (
        "I7",
        history(
            QUEUED,
            enqueued(job=2),
            RESERVED,
            step(11, "processing", 1, "b", job=2),
            COMPLETED,
            step(40, "failed", 1, "b", job=2, error="its runner died: exit code 1"),
            runs=[run("a", 2.1, 2.9), run("b", 12.0, 39.0, job=2)],
            outcomes={"b": "failed"},
        ),
    ),
    "a deadly job completes": (
        "I7",
        history(
            enqueued(type="dies"),
            step(2, "processing", 1, "a", type="dies"),
            step(3, "completed", 1, "a", type="dies"),
        ),
    ),
    "a job starts before its time": ("I8", history(enqueued(run_at=2.5), RESERVED, COMPLETED)),
    "a killed worker's job waits for too long": (
        "I9",
        history(
            QUEUED,
            RESERVED,
            step(60, "queued", 1, "a", process=8, error="worker lost"),
            outcomes={"a": "lost"},
            faults=[Fault("kill worker", 2.5, 2.5, 7)],
        ),
    ),
    "two live jobs share a key": ("I11", history(enqueued(key="k"), enqueued(2, key="k", job=2), runs=[])),
    "a cancelled job starts": (
        "I12",
        history(QUEUED, enqueued(2), step(4, "processing", 1, "a"), runs=[], cancelled={1: 3.0}),
    ),
    "a cancelled run goes on": (
        "I12",
        history(QUEUED, RESERVED, CANCELLED, runs=[run("a", 2.1, 30.0)], cancelled={1: 3.0}),
    ),
    "a stale save queues what runs": (
        "I16",
        history(QUEUED, RESERVED, step(3, "queued", 0, "a", author="storm stale saves", process=None)),
    ),
    "a stale save gives an ended run back its row": (
        "I16",
        history(
            QUEUED,
            RESERVED,
            COMPLETED,
            step(4, "processing", 1, "a", author="storm stale saves", process=None),
        ),
    ),
    "a job that ends its runner's loop completes": (
        "I7",
        history(
            enqueued(type="exits"),
            step(2, "processing", 1, "a", type="exits"),
            step(3, "completed", 1, "a", type="exits"),
        ),
    ),
    "an odd row is not set aside": ("I17", history(enqueued(type="odd_start"), runs=[])),
    "an odd row is tried without end": (
        "I17",
        history(enqueued(type="odd_start"), runs=[], set_aside={1: (9, 80.0)}),
    ),
    "an odd row is tried more often than every ten minutes": (
        "I17",
        history(enqueued(type="odd_start"), runs=[], set_aside={1: (14, 80.0 - 3_040.0)}),
    ),
    "an odd row runs": (
        "I17",
        history(enqueued(type="odd_start"), RESERVED, step(3, "completed", 1, "a", type="odd_start")),
    ),
    "a good row is set aside": ("I17", history(QUEUED, RESERVED, COMPLETED, set_aside={1: (1, 4.0)})),
    "a failure that nobody is told of": (
        "I20",
        history(QUEUED, RESERVED, step(3, "failed", 1, "a"), outcomes={"a": "failed"}, failures_told=0),
    ),
    "an end by hand that is told": (
        "I20",
        history(QUEUED, step(2, "failed", author="storm hands"), runs=[], failures_told=1),
    ),
    "an event in two messages": ("I21", history(messages=[Message(1, HOOK, 2, 1)], heard=[], runs=[])),
    "an event in no message": ("I21", history(unmerged=1, runs=[])),
    "a message that its receiver is not told of": (
        "I23",
        history(messages=[Message(1, HOOK, 1, 1, is_delivered=False)], runs=[]),
    ),
    "a message that is said to be told, and was not": (
        "I23",
        history(messages=[Message(1, HOOK, 1, 1)], listeners=frozenset({HOOK}), runs=[]),
    ),
    "a message that says something else the second time": (
        "I23",
        history(
            messages=[Message(1, HOOK, 1, 1)],
            heard=[HEARD, Heard(HOOK, {"id": 1, "count": 1, "kind": "worker.lost"})],
            runs=[],
        ),
    ),
    "a message of more events than it has": (
        "I23",
        history(messages=[Message(1, HOOK, 2, 2)], heard=[HEARD], runs=[]),
    ),
    "a message of which the table knows nothing": ("I23", history(heard=[HEARD], runs=[])),
    "more runs than slots": (
        "I13",
        history(QUEUED, RESERVED, COMPLETED, runs=[RAN, run("b", 2.2, 2.8, job=2)], slots={7: 1}),
    ),
    "a secret in an error": (
        "I14",
        history(QUEUED, RESERVED, step(3, "failed", 1, "a", error=f"password={CANARY}")),
    ),
    "a secret in a log": ("I14", history(QUEUED, RESERVED, COMPLETED, texts={"the log": CANARY})),
    "a worker breaks": (
        "I15",
        history(QUEUED, RESERVED, COMPLETED, texts={"the log": '{"event":"worker.crashed"}'}),
    ),
    "a worker is killed by no fault": (
        "I15",
        history(
            QUEUED,
            RESERVED,
            COMPLETED,
            exit_codes={7: -9, 8: -9},
            faults=[Fault("kill worker", 3.5, 3.5, 8)],
        ),
    ),
    "a worker's memory grows": (
        "I15",
        history(QUEUED, RESERVED, COMPLETED, memory={7: [(s, (50 + s // 4) << 20) for s in range(120)]}),
    ),
    "something is left": ("I15", history(QUEUED, RESERVED, COMPLETED, aftermath=["process 1 is left"])),
    "a queue is crowded": (
        "I13",
        history(
            reserved(2, 1), reserved(3, 2), limits=[LimitChange(1, 1.0, queue="narrow", most=1)], runs=[]
        ),
    ),
    "a lowered limit is passed over": (
        "I13",
        history(
            reserved(2, 1),
            reserved(20, 2),
            limits=[
                LimitChange(1, 1.0, queue="narrow", most=2),
                LimitChange(3, 3.0, queue="narrow", most=1),
            ],
            runs=[],
        ),
    ),
    "a paused queue goes on": (
        "I13",
        history(reserved(20, 1), limits=[LimitChange(1, 1.0, queue="narrow", most=0)], runs=[]),
    ),
    "a key has two at once": (
        "I13",
        history(reserved(2, 1, **ALIKE), reserved(3, 2, **ALIKE), limits=[FAIR], runs=[]),
    ),
    "a named key has two at once, in two queues": (
        "I13",
        history(
            reserved(2, 1, limited_key="api"),
            reserved(3, 2, limited_key="api", queue="default"),
            limits=[LimitChange(1, 1.0, key="api", most=1)],
            runs=[],
        ),
    ),
    "a start too many in a second": (
        "I13",
        history(
            *(reserved(seq, seq, place_at=1 + seq / 4) for seq in (2, 3, 4)),
            limits=[LimitChange(1, 1.0, queue="narrow", rate=2, period=1)],
            runs=[],
        ),
    ),
    "a start of a key too many in a second": (
        "I13",
        history(
            *(reserved(seq, seq, place_at=1 + seq / 4, limited_key="tenant 1") for seq in (2, 3, 4)),
            limits=[LimitChange(1, 1.0, queue="narrow", rate_per_key=2, period=1)],
            runs=[],
        ),
    ),
    "a start of a named key too many in a second, in two queues": (
        "I13",
        history(
            reserved(2, 2, limited_key="api"),
            reserved(3, 3, limited_key="api", queue="default", place_at=2.5),
            limits=[LimitChange(1, 1.0, key="api", rate=1, period=1)],
            runs=[],
        ),
    ),
    "a start that no rate counts": (
        "I13",
        history(
            reserved(2, 1, place_at=None),
            limits=[LimitChange(1, 1.0, queue="narrow", rate=2, period=1)],
            runs=[],
        ),
    ),
    "a waiter goes first": ("I22", history(QUEUED, RESERVED, waiter(3), let_go(4), runs=[])),
    "a waiter goes though what it waited for has failed": (
        "I22",
        history(QUEUED, RESERVED, FAILED, waiter(4), let_go(5), runs=[]),
    ),
    "a waiter fails though all is well": (
        "I22",
        history(QUEUED, RESERVED, COMPLETED, waiter(4), let_go(5, **IN_VAIN), runs=[]),
    ),
    "a waiter that only waits for ends fails": (
        "I22",
        history(QUEUED, RESERVED, FAILED, waiter(4, "ended"), let_go(5, "ended", **IN_VAIN), runs=[]),
    ),
    "a waiter is forgotten": ("I22", history(QUEUED, RESERVED, COMPLETED, waiter(4), runs=[])),
    "a tick has two jobs": ("I10", history(ticks=[Tick(2.0, 1), Tick(4.0, 2)], every_seconds=2)),
    "a tick has no job": ("I10", history(ticks=[Tick(2.0, 0)], every_seconds=2)),
    "a job is of two ticks": ("I10", history(QUEUED, runs=[], plans=[Plan("one", "allow", [1, 1])])),
    "a tick has a job that does not exist": ("I10", history(runs=[], plans=[Plan("one", "allow", [1])])),
    "a job of a schedule comes too early": (
        "I24",
        history(QUEUED, RESERVED, enqueued(3, job=2), runs=[], plans=[Plan("one", "skip", [1, 2])]),
    ),
    "a job that is to be replaced lives on": (
        "I24",
        history(QUEUED, RESERVED, enqueued(3, job=2), runs=[], plans=[Plan("one", "cancelOld", [1, 2])]),
    ),
    "a job is replaced that nothing replaces": (
        "I24",
        history(QUEUED, RESERVED, step(3, "cancelled", 1, "a", error=REPLACED, process=8), runs=[]),
    ),
    "a tick is left out": ("I10", history(ticks=[Tick(2.0, 1), Tick(6.0, 1)], every_seconds=2)),
}


@pytest.mark.parametrize("case", SOUND)
def test_a_sound_history_is_not_accused(case: str) -> None:
    broken = {violation.invariant for violation in check(SOUND[case])}
    assert broken - {"I2"} == set()


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_invariant_is_reported(case: str) -> None:
    invariant, history = BROKEN[case]
    assert invariant in {violation.invariant for violation in check(history)}


def test_after_a_promotion_a_run_may_be_given_back_as_if_nobody_had_begun_it() -> None:
    turned_back = history(
        QUEUED,
        RESERVED,
        step(3, "queued", 0, "a", error="reserved, but the answer was lost"),
        step(4, "completed", 0, "a", author="storm hands"),
        outcomes={"a": "released"},
    )
    assert [violation.invariant for violation in check(turned_back)] == ["I3"]
    assert check(turned_back, RULES_AFTER_PROMOTION) == []


ALARM = '{"event":"database.turned_back","turned_back":1}\n'
FROM_THE_FIRST_TO_THE_LAST = [run("c", 1.0, 2.0, job=2), run("d", 60.0, 61.0, job=3)]


@pytest.mark.parametrize(
    ("alarms", "runs", "steps", "broken"),
    [
        ({}, FROM_THE_FIRST_TO_THE_LAST, [QUEUED], True),
        ({7: ALARM}, FROM_THE_FIRST_TO_THE_LAST, [QUEUED], False),
        ({8: ALARM}, FROM_THE_FIRST_TO_THE_LAST, [QUEUED], True),
        ({}, FROM_THE_FIRST_TO_THE_LAST, [QUEUED, RESERVED, COMPLETED], False),
        ({}, FROM_THE_FIRST_TO_THE_LAST[:1], [QUEUED], False),
    ],
    ids=["no alarm", "an alarm", "an alarm of another", "nothing lost", "its worker was lost too"],
)
def test_a_worker_that_lives_through_a_promotion_tells_of_the_completed_jobs_that_are_lost(
    alarms: dict[int, str], runs: list[Run], steps: list[Step], broken: bool
) -> None:
    told = {7: '{"event":"job.completed","job_id":1}\n'}
    texts = {log_of(process): told.get(process, "") + alarms.get(process, "") for process in (7, 8)}
    promoted = history(
        *steps, runs=runs, texts=texts, slots={7: 4, 8: 4}, faults=[Fault("promote", 30.0, 40.0)]
    )
    assert ("I18" in {violation.invariant for violation in check(promoted)}) == broken


def test_a_timeline_tells_steps_runs_and_faults_in_order() -> None:
    lines = timeline(history(QUEUED, RESERVED, COMPLETED, faults=[Fault("cut", 2.5, 2.6, 7)]), 1)
    words = ["queued", "processing", "run begins", "fault: cut", "returned", "completed"]
    assert [word for line, word in zip(lines, words, strict=True) if word in line] == words


def test_a_run_that_died_ended_before_its_process_number_was_another_runs() -> None:
    journal = [
        {"what": "start", "at": 1.0, "job": 1, "type": "tick", "lease": "a", "pid": 7, "process": 1},
        {"what": "start", "at": 50.0, "job": 2, "type": "tick", "lease": "b", "pid": 7, "process": 2},
    ]
    died, alive = runs_of(journal, {"a": 2.0, "b": 60.0})
    assert (died.seen, alive.seen) == (2.0, 60.0)
