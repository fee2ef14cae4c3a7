"""Judges a history by the invariants: a pure function from a `History` to its violations.

Every step of every row must be one that the protocol has; every run must fit to the steps of its row. What a
fault excuses is written where it is excused, with its bound; the bounds are those that the documentation
promises.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from statistics import linear_regression
from typing import Final, NamedTuple

from rowcrew.model.status import ENDED
from storm import network
from storm.crew import CANARY
from storm.history import JOURNALED_ENDS, STALE_SAVES, Fault, History, Run, Step
from storm.odd import ENDINGS as ODD_ENDINGS
from storm.odd import FIRST_PAUSE_SECONDS, SET_ASIDE

LEASE_SECONDS: Final = 30.0
RESCUE_SECONDS: Final = 40.0
BEAT_SECONDS: Final = 5.0
NOTICE_SECONDS: Final = 6.0
GRACE_SECONDS: Final = 2.0
DEATH_SECONDS: Final = 1.0
PAUSES: Final = ("pause", "pause family")
FENCE_SECONDS: Final = 20.0
FLUSH_SECONDS: Final = 1.0
REFUNDED: Final = frozenset({"released", "snoozed"})
# What a rescuer writes: of most jobs, and of one that its worker said to have run alone.
LOST_WORKER: Final = "worker lost"
LOST_WORKER_ALONE: Final = "worker lost; it ran nothing else"
HARMLESS: Final = frozenset(
    {"sleeps", "sleeps_in_thread", "sleeps_alone", "writes", "parent", "snoozes", "forks", "leaves"}
)
DEADLY: Final = frozenset({"dies", "garbles", "exits"})
# Faults after which a worker may neither hear nor be heard for a while.
DEAFENING: Final = frozenset(
    {
        "restart",
        "crash",
        "kill backend",
        "end connection",
        "stall",
        "mute",
        "cut",
        "exhaust connections",
        "pause",
    }
    | {"pause family", "lock table", "vacuum full", "kill worker", "term", "term and kill", "declare lost"}
    | {"migrate", "read only", "promote", "exhaust descriptors", "exhaust processes"}
    | {"kill pooler", "pause pooler", *network.RULES}
)
# After these the server does not know its last moments.
LOSING: Final = frozenset({"crash", "kill backend", "promote"})
# In a runner that cannot have what it asks for, every handler may fail.
STARVING: Final = frozenset({"exhaust runner", "exhaust memory"})
STARVED_SECONDS: Final = 2.0
# Within this time of a new connection, a worker looks whether completed jobs still are.
LOOK_SECONDS: Final = 10.0
COMPLETED: Final = '"job.completed"'
ALARM: Final = '"database.turned_back"'
# The heap of a process grows to its busiest moment, and then no more.
WARM_SECONDS: Final = 30.0
MEBIBYTE: Final = 1 << 20
GROWTH_BYTES: Final = 12 * MEBIBYTE
GROWTH_BYTES_A_MINUTE: Final = MEBIBYTE / 4


class Violation(NamedTuple):
    """A broken invariant: its name, the job concerned (if there is one), and what happened."""

    invariant: str
    job: int | None
    message: str


Rule = Callable[[History], Iterator[Violation]]


def check(history: History, rules: Sequence[Rule] | None = None) -> list[Violation]:
    return [violation for rule in rules or RULES for violation in rule(history)]


def acknowledged_jobs_exist(history: History) -> Iterator[Violation]:
    known = {step.job for step in history.steps}
    for job in history.acknowledged:
        if job not in known:
            yield Violation("I1", job, "was acknowledged and does not exist")


def every_job_ends(history: History) -> Iterator[Violation]:
    for job, steps in history.by_job().items():
        last = steps[-1]
        if last.type in ODD_ENDINGS:
            continue
        if last.status not in ENDED and not (last.status == "queued" and last.run_at > history.seen_at):
            yield Violation("I2", job, f"is still {last.status} after the calm")


def odd_rows_are_set_aside(history: History) -> Iterator[Violation]:
    """What no statement can take stays as it is, is told, and is tried ever more seldom."""
    for job, steps in history.by_job().items():
        last = steps[-1]
        ending = ODD_ENDINGS.get(last.type)
        if ending is None and job in history.set_aside:
            yield Violation("I17", job, "is not odd, and was set aside")
        if ending is None or (last.status == "queued" and last.run_at > history.seen_at):
            continue
        if last.status != ending:
            yield Violation("I17", job, f"is odd, should have stayed {ending}, and is {last.status}")
        if last.type in SET_ASIDE and job not in history.set_aside:
            yield Violation("I17", job, "is odd, and nobody has set it aside")
    for job, (tries, since) in history.set_aside.items():
        most = 2 + math.log2(1 + max(0.0, history.seen_at - since) / FIRST_PAUSE_SECONDS)
        if tries > most:
            yield Violation("I17", job, f"was tried {tries} times in {history.seen_at - since:.0f} s")


def steps_are_those_of_the_protocol(history: History) -> Iterator[Violation]:
    ended = {run.lease for run in history.runs if run.how is not None}
    for job, steps in history.by_job().items():
        holders: dict[str, int | None] = {}
        for before, after in pairwise(steps):
            if after.by_hand:
                continue
            for violation in _step(before, after, holders, history.outcomes, ended):
                yield Violation(violation[0], job, f"{violation[1]} (step {after.seq})")
            if after.status == "processing" and after.lease is not None:
                holders.setdefault(after.lease, after.process)


def _step(
    before: Step, after: Step, holders: dict[str, int | None], outcomes: dict[str, str], ended: set[str]
) -> Iterator[tuple[str, str]]:
    if before.status in ENDED:
        if (after.status, after.attempts, after.lease) != (before.status, before.attempts, before.lease):
            yield "I4", f"had ended as {before.status}, and a worker made it {after.status}"
    elif before.status == "queued" and after.status == "queued":
        if after.attempts != before.attempts:
            yield "I3", "changed its attempts while it waited"
    elif before.status == "queued" and after.status == "processing":
        yield from _reservation(before, after, holders)
    elif before.status == "queued":
        yield "I5", f"became {after.status} by a worker while nobody ran it"
    elif after.lease != before.lease:
        yield "I5", "changed its lease while it was held"
    else:
        yield from _write_of_a_run(before, after, holders, outcomes, ended)


def _reservation(before: Step, after: Step, holders: dict[str, int | None]) -> Iterator[tuple[str, str]]:
    if after.lease in holders:
        yield "I4", "was reserved under a lease it had had before"
    if after.attempts != before.attempts + 1:
        yield "I3", f"was reserved, and its attempts went from {before.attempts} to {after.attempts}"
    if after.process is None:
        yield "I5", "was reserved by nobody knows whom"
    if after.attempts > after.most:
        yield "I7", f"began attempt {after.attempts} of {after.most}"
    if before.run_at > after.at:
        yield "I8", f"was reserved {before.run_at - after.at:.3f} s before its time"


def _write_of_a_run(
    before: Step,
    after: Step,
    holders: dict[str, int | None],
    outcomes: dict[str, str],
    ended: set[str],
) -> Iterator[tuple[str, str]]:
    lease = after.lease or ""
    lost = outcomes.get(lease) == "lost" and after.status != "processing"
    rescued = lost and after.error in (LOST_WORKER, LOST_WORKER_ALONE)
    if not rescued and after.process != holders.get(lease):
        yield "I5", f"is held by process {holders.get(lease)}, and process {after.process} wrote it"
    if after.status == "completed" and after.type in JOURNALED_ENDS and lease not in ended:
        yield "I5", "is completed under a lease whose run had not ended"
    if after.status == "processing":
        expected = before.attempts
    elif outcomes.get(lease) in REFUNDED or (
        lost and after.error != LOST_WORKER_ALONE and _is_unblamed(after)
    ):
        expected = before.attempts - 1
    else:
        expected = before.attempts
    if after.attempts != expected:
        what = outcomes.get(lease, after.status)
        yield "I3", f"{what}: attempts are {after.attempts} in place of {expected}"


def _is_unblamed(after: Step) -> bool:
    return after.status == "queued"


def leases_end_once(history: History) -> Iterator[Violation]:
    ends: dict[str, int] = defaultdict(int)
    completions: dict[int, int] = defaultdict(int)
    for job, steps in history.by_job().items():
        for before, after in pairwise(steps):
            if not after.by_hand and before.status == "processing" and after.status != "processing":
                ends[after.lease or ""] += 1
                completions[job] += after.status == "completed"
                if ends[after.lease or ""] == 2:
                    yield Violation("I4", job, f"lease {after.lease} ended twice")
        if completions[job] > 1:
            yield Violation("I4", job, f"was completed {completions[job]} times")


def effects_are_those_of_completed_jobs(history: History) -> Iterator[Violation]:
    for job, steps in history.by_job().items():
        if steps[-1].type == "writes":
            expected = int(steps[-1].status == "completed")
            if history.effects.get(job, 0) != expected:
                yield Violation(
                    "I4", job, f"left {history.effects.get(job, 0)} effects in place of {expected}"
                )


def runs_have_leases(history: History) -> Iterator[Violation]:
    """A crash of the server may lose a reservation of its last moments, and nothing else may."""
    leases = {step.lease for step in history.steps}
    for run in history.runs:
        if run.lease not in leases and not _after_crash(history, run):
            yield Violation("I3", run.job, f"ran under lease {run.lease}, which the table never knew")


def what_ran_was_heard_of(history: History) -> Iterator[Violation]:
    """Only a reservation whose answer was lost may be given back as such, and nothing can have begun it."""
    ran = {run.lease for run in history.runs}
    for step in history.steps:
        given_back = step.status == "queued" and history.outcomes.get(step.lease or "") == "released"
        if given_back and step.error == "reserved, but the answer was lost" and step.lease in ran:
            yield Violation("I3", step.job, "was given back as if nobody had begun it, and had run")


def _after_crash(history: History, run: Run) -> bool:
    return any(
        fault.kind in LOSING and fault.start - FLUSH_SECONDS <= run.start <= fault.end + 5
        for fault in history.faults
    )


def runs_do_not_overlap(history: History) -> Iterator[Violation]:
    known = _order_of_leases(history)
    jobs: dict[int, list[Run]] = defaultdict(list)
    for run in sorted(history.runs, key=lambda run: known.get(run.lease) or (_forgotten_at(history, run), 0)):
        jobs[run.job].append(run)
    for job, runs in jobs.items():
        for earlier, later in pairwise(runs):
            if later.start >= earlier.seen or earlier.start >= later.seen:
                continue
            allowed = _overlap_ends(history, earlier, later, was_lost_in_crash=earlier.lease not in known)
            if earlier.seen > allowed:
                yield Violation(
                    "I6",
                    job,
                    f"ran twice at once, {earlier.seen - allowed:.1f} s longer than it may"
                    f" (pids {earlier.pid}, {later.pid})",
                )


def _order_of_leases(history: History) -> dict[str, tuple[float, int]]:
    """Runs follow each other as their reservations do: a paused worker begins late what others have."""
    order: dict[str, tuple[float, int]] = {}
    for step in history.steps:
        if step.lease is not None and step.status == "processing":
            order.setdefault(step.lease, (step.at, step.seq))
    return order


def _forgotten_at(history: History, run: Run) -> float:
    """When the server lost the reservation of a run; it may begin later than the run that came after it."""
    losses = [fault.start for fault in history.faults if fault.kind in LOSING and fault.start < run.start]
    return max(losses, default=run.start)


def _overlap_ends(history: History, earlier: Run, later: Run, *, was_lost_in_crash: bool) -> float:
    """Until when the earlier run may go on after the later one has begun."""
    stopping = NOTICE_SECONDS + GRACE_SECONDS + DEATH_SECONDS
    if was_lost_in_crash:
        ends = [f.end for f in history.faults if f.kind in LOSING and f.start < later.start]
        return max([later.start, *ends]) + stopping + BEAT_SECONDS
    before = [
        fault for fault in history.faults if fault.process == earlier.process and fault.start <= later.start
    ]
    if history.outcomes.get(earlier.lease) == "lost":
        stood = [fault.end for fault in before if fault.kind in (*PAUSES, "declare lost")]
        return max(stood, default=later.start) + stopping
    requeued_at = _requeued_by_hand_at(history, earlier)
    # Its worker stood still from then on: it could not hear of it for as long as the row waits for its run.
    deaf = [
        fault.end
        for fault in before
        if requeued_at is not None
        and fault.kind in PAUSES
        and fault.start <= requeued_at + NOTICE_SECONDS
        and fault.end >= later.start
    ]
    return max(deaf) + stopping if deaf else later.start


def _requeued_by_hand_at(history: History, run: Run) -> float | None:
    """When somebody queued the row under this run, if somebody did."""
    for before, after in pairwise(history.by_job()[run.job]):
        if (before.status, before.lease) == ("processing", run.lease) and after.status == "queued":
            return after.at if after.by_hand else None
    return None


def nobody_pays_for_others(history: History) -> Iterator[Violation]:
    for job, steps in history.by_job().items():
        for before, after in pairwise(steps):
            if after.by_hand or before.status != "processing" or after.status == "processing":
                continue
            outcome = history.outcomes.get(after.lease or "")
            blamed = outcome in ("retried", "failed")
            if after.status == "failed" and after.error == LOST_WORKER:
                yield Violation("I7", job, "failed because of a worker that ran others too")
            if (
                blamed
                and after.type in HARMLESS
                and not _died_alone(after)
                and not _broken_transaction(after)
                and not _was_starved(history.faults, before, after)
            ):
                yield Violation("I7", job, f"harmless, and its run was {outcome}: {after.error}")
        if steps[-1].type in DEADLY and steps[-1].status not in ("failed", "cancelled"):
            yield Violation("I7", job, f"kills its runner, and is {steps[-1].status}")


def _died_alone(step: Step) -> bool:
    """Whether its runner was killed from outside while it ran nothing else: that looks like its own doing."""
    return (step.error or "").startswith("its runner died")


def _was_starved(faults: list[Fault], begun: Step, ended: Step) -> bool:
    """Whether the system may have refused its runner something while it ran."""
    return any(
        fault.kind in STARVING
        and fault.process == begun.process
        and fault.start <= ended.at
        and begun.at <= fault.end + STARVED_SECONDS
        for fault in faults
    )


def _broken_transaction(step: Step) -> bool:
    """The handler's own connection was ended under it: its error, by its own transaction."""
    return step.type == "writes"


def killed_workers_are_replaced_in_time(history: History) -> Iterator[Violation]:
    kills = {
        fault.process: fault.start
        for fault in history.faults
        if fault.kind in ("kill worker", "term and kill")
    }
    jobs = history.by_job()
    for job, steps in jobs.items():
        for place, step in enumerate(steps):
            is_free_to_go = step.status == "processing" and step.type != "odd_end"
            killed_at = kills.get(step.process) if is_free_to_go else None
            if killed_at is None or step.at > killed_at:
                continue
            following = steps[place + 1] if place + 1 < len(steps) else None
            freed_at = following.at if following is not None else history.seen_at
            if freed_at > deadline(history.faults, killed_at, RESCUE_SECONDS):
                yield Violation(
                    "I9", job, f"was freed {freed_at - killed_at:.1f} s after its worker was killed"
                )


def deadline(faults: list[Fault], since: float, seconds: float) -> float:
    """The moment so many undisturbed seconds later: a fault that makes workers deaf starts the count anew."""
    due = since + seconds
    for fault in sorted(faults, key=lambda fault: fault.start):
        if fault.kind in DEAFENING and since < fault.end and fault.start < due:
            due = max(due, fault.end + seconds)
    return due


def keys_are_unique(history: History) -> Iterator[Violation]:
    live: dict[tuple[str, str], int] = {}
    for step in sorted(history.steps, key=lambda step: step.seq):
        if step.key is None:
            continue
        key = (step.type, step.key)
        if step.status in ENDED:
            if live.get(key) == step.job:
                del live[key]
        elif live.setdefault(key, step.job) != step.job:
            yield Violation("I11", step.job, f"is live beside job {live[key]} with the same key {step.key}")


def cancelled_jobs_stop(history: History) -> Iterator[Violation]:
    seconds = NOTICE_SECONDS + GRACE_SECONDS + DEATH_SECONDS
    requeued = {
        step.job
        for step in history.steps
        if step.by_hand and step.author != STALE_SAVES and step.status == "queued" and step.lease
    }
    for run in history.runs:
        cancelled_at = history.cancelled.get(run.job)
        if cancelled_at is None or run.job in requeued:
            continue
        if run.start > deadline(history.faults, cancelled_at, seconds):
            yield Violation("I12", run.job, "began after it had been cancelled")
        elif run.seen > deadline(history.faults, cancelled_at, seconds):
            yield Violation("I12", run.job, f"ran on for {run.seen - cancelled_at:.1f} s after its cancel")
    for job, cancelled_at in history.cancelled.items():
        taken = [
            s for s in history.steps if s.job == job and s.at > cancelled_at and s.status == "processing"
        ]
        if taken and job not in requeued:
            yield Violation("I12", job, "was reserved after it had been cancelled")


def stale_saves_undo_nothing(history: History) -> Iterator[Violation]:
    last: dict[int, Step] = {}
    for after in sorted(history.steps, key=lambda step: step.seq):
        before = last.get(after.job)
        last[after.job] = after
        if before is None or after.author != STALE_SAVES:
            continue
        if (after.status, after.attempts, after.lease) != (before.status, before.attempts, before.lease):
            yield Violation(
                "I16",
                after.job,
                f"was {before.status}, attempt {before.attempts}, and a stale save made it {after.status},"
                f" attempt {after.attempts}",
            )


def slots_are_not_exceeded(history: History) -> Iterator[Violation]:
    moments: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for run in history.runs:
        moments[run.process] += [(run.start, 1), (run.seen, -1)]
    for process, changes in moments.items():
        running = most = 0
        for _, change in sorted(changes):
            running += change
            most = max(most, running)
        slots = history.slots.get(process, most)
        if most > slots:
            yield Violation("I13", None, f"process {process} ran {most} jobs at once in {slots} slots")


def secrets_stay_secret(history: History) -> Iterator[Violation]:
    for step in history.steps:
        if CANARY in (step.error or ""):
            yield Violation("I14", step.job, "shows a secret in its error")
    for place, text in history.texts.items():
        if CANARY in text:
            yield Violation("I14", None, f"a secret stands in {place}")


def workers_do_not_break(history: History) -> Iterator[Violation]:
    """A worker that meets the unexpected leaves, and others take over: safe, and a bug all the same."""
    for place, text in history.texts.items():
        for line in text.splitlines():
            if '"worker.crashed"' in line:
                yield Violation("I15", None, f"{place} tells of a crash: {line[:2_000]}")


def workers_are_killed_by_faults_alone(history: History) -> Iterator[Violation]:
    """What handlers use up must cost a runner, never its worker."""
    told = {
        fault.process for fault in history.faults if fault.kind in ("kill worker", "term", "term and kill")
    }
    for process, code in history.exit_codes.items():
        if code < 0 and process not in told:  # SIGTERM ends one that has only just begun
            yield Violation(
                "I15", None, f"process {process} was ended by signal {-code}, and no fault sent it"
            )


def lost_completions_are_told(history: History) -> Iterator[Violation]:
    """What a promotion took back is an alarm in the log of a worker that has told it and lived through it."""
    promotion = next((fault for fault in history.faults if fault.kind == "promote"), None)
    if promotion is None:
        return
    tellers = _told_as_completed(history)
    survivors = _survivors(history.runs, promotion)
    recorded = Counter(step.job for step in history.steps if step.status == "completed" and not step.by_hand)
    lost = {job for job, told in tellers.items() if len(told) > recorded[job] and set(told) <= survivors}
    alarmed = [process for process in survivors if ALARM in history.log_of(process)]
    if lost and not alarmed:
        yield Violation("I18", None, f"{len(lost)} completed jobs were lost, and nobody raised an alarm")


def _told_as_completed(history: History) -> dict[int, list[int]]:
    """For each job the processes in whose logs it is completed, as often as it is."""
    tellers: dict[int, list[int]] = defaultdict(list)
    for process in history.slots:
        for line in history.log_of(process).splitlines():
            if COMPLETED in line and line.endswith("}"):  # a killed worker's last line may be cut
                tellers[json.loads(line)["job_id"]].append(process)
    return tellers


def _survivors(runs: list[Run], fault: Fault) -> set[int]:
    """The processes that looked at the server before this fault and had time to look after it."""
    before = {run.process for run in runs if run.start < fault.start - LOOK_SECONDS}
    return before & {run.process for run in runs if run.start > fault.end + LOOK_SECONDS}


def memory_stays_flat(history: History) -> Iterator[Violation]:
    for process, samples in history.memory.items():
        minutes, growth = memory_growth(samples)
        if growth > GROWTH_BYTES + GROWTH_BYTES_A_MINUTE * minutes:
            yield Violation(
                "I15", None, f"process {process} grew by {growth / MEBIBYTE:.1f} MiB in {minutes:.1f} minutes"
            )


def memory_growth(samples: list[tuple[float, int]]) -> tuple[float, float]:
    """Minutes that were looked at, and how many bytes a straight line through them rises."""
    counted = [sample for sample in samples if sample[0] >= samples[0][0] + WARM_SECONDS]
    if len(counted) < 2:
        return 0.0, 0.0
    times, sizes = [at for at, _ in counted], [float(size) for _, size in counted]
    return (times[-1] - times[0]) / 60, linear_regression(times, sizes).slope * (times[-1] - times[0])


def nothing_is_left(history: History) -> Iterator[Violation]:
    for rest in history.aftermath:
        yield Violation("I15", None, rest)


RULES: Final[tuple[Rule, ...]] = (
    acknowledged_jobs_exist,
    every_job_ends,
    odd_rows_are_set_aside,
    steps_are_those_of_the_protocol,
    leases_end_once,
    effects_are_those_of_completed_jobs,
    runs_have_leases,
    what_ran_was_heard_of,
    runs_do_not_overlap,
    nobody_pays_for_others,
    killed_workers_are_replaced_in_time,
    keys_are_unique,
    cancelled_jobs_stop,
    stale_saves_undo_nothing,
    slots_are_not_exceeded,
    secrets_stay_secret,
    workers_do_not_break,
    workers_are_killed_by_faults_alone,
    lost_completions_are_told,
    memory_stays_flat,
    nothing_is_left,
)
# What ran in the seconds that are lost is given back as if nobody had begun it: nobody can know better.
RULES_AFTER_PROMOTION: Final = tuple(rule for rule in RULES if rule is not what_ran_was_heard_of)


def timeline(history: History, job: int) -> list[str]:
    """Everything known about one job in the order of time, for whoever hunts the bug."""
    lines: list[tuple[float, str]] = []
    for step in history.steps:
        if step.job == job:
            who = f"{step.author or '?'} of process {step.process}" if step.process else step.author
            error = f", {step.error}" if step.error else ""
            lease = (step.lease or "-")[:8]
            lines.append((step.at, f"{step.status}, attempt {step.attempts}, lease {lease}, by {who}{error}"))
    for run in history.runs:
        if run.job == job:
            lines.append(
                (run.start, f"run begins under {run.lease[:8]} in pid {run.pid} of process {run.process}")
            )
            lines.append((run.seen, f"run under {run.lease[:8]} {run.how or 'was last seen alive'}"))
    first = min((at for at, _ in lines), default=0.0)
    last = max((at for at, _ in lines), default=0.0)
    for fault in history.faults:
        if fault.start <= last and fault.end >= first:
            whom = "" if fault.process is None else f" of process {fault.process}"
            lines.append((fault.start, f"  fault: {fault.kind}{whom} for {fault.end - fault.start:.1f} s"))
    return [f"{at - first:9.3f}  {text}" for at, text in sorted(lines)]
