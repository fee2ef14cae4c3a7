"""What rows and their steps must be, whoever wrote them: each step is one that the protocol has.

In: a history. Out: violations of I1 to I5, I11, I16 and I17.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from rowcrew.model.status import ENDED
from storm.history import JOURNALED_ENDS, STALE_SAVES, History, Step
from storm.odd import ENDINGS as ODD_ENDINGS
from storm.odd import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, SET_ASIDE
from storm.rules.violation import Violation

REFUNDED: Final = frozenset({"released", "snoozed"})
# What a rescuer writes: of most jobs, and of one that its worker said to have run alone.
LOST_WORKER: Final = "worker lost"
WAITED_IN_VAIN: Final = "waited for job "
REPLACED: Final = "the next tick of its schedule replaces it"
LOST_WORKER_ALONE: Final = "worker lost; it ran nothing else"


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
        if tries > _most_tries(history.seen_at - since):
            yield Violation("I17", job, f"was tried {tries} times in {history.seen_at - since:.0f} s")


def _most_tries(seconds: float) -> int:
    """How often a row may have been tried in this time: each pause is twice as long, up to the longest."""
    tries, pause, passed = 2, FIRST_PAUSE_SECONDS, 0.0
    while (passed := passed + pause) <= seconds:
        tries += 1
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
    return tries


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
    if _only_marks(before, after) or _is_judged_elsewhere(before, after):
        pass
    elif before.status in ENDED:
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


def _only_marks(before: Step, after: Step) -> bool:
    """Whether an examiner says that somebody waits for the job: that is no business of who runs it."""
    unchanged = (after.status, after.attempts, after.lease, after.run_at) == (
        *(before.status, before.attempts, before.lease, before.run_at),
    )
    return after.awaited and not before.awaited and unchanged


def _is_judged_elsewhere(before: Step, after: Step) -> bool:
    """Whether it ends for the sake of another job: `rules.waits` and `rules.schedules` say when it may."""
    if before.status in ENDED:
        return False
    waited_in_vain = before.is_parked and (after.error or "").startswith(WAITED_IN_VAIN)
    return waited_in_vain or (after.status == "cancelled" and after.error == REPLACED)


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
