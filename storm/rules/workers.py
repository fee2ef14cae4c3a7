"""What workers must be like while they live, what they must tell, and what they may leave behind.

In: a history. Out: violations of I14, I15 and I18.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from statistics import linear_regression
from typing import Final

from storm.crew import CANARY
from storm.history import Fault, History, Run
from storm.rules.violation import Violation

# Within this time of a new connection, a worker looks whether completed jobs still are.
LOOK_SECONDS: Final = 10.0
COMPLETED: Final = '"job.completed"'
ALARM: Final = '"database.turned_back"'
# The heap of a process grows to its busiest moment, and then no more.
WARM_SECONDS: Final = 30.0
ENDING: Final = frozenset({"kill worker", "term", "term and kill", "kill in the act"})
MEBIBYTE: Final = 1 << 20
GROWTH_BYTES: Final = 12 * MEBIBYTE
GROWTH_BYTES_A_MINUTE: Final = MEBIBYTE / 4


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
    told = {fault.process for fault in history.faults if fault.kind in ENDING}
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
    """From the first row that a process took: on a starving machine it loads its code for half a minute."""
    began: dict[int, float] = {}
    for step in history.steps:
        if step.process is not None:
            began.setdefault(step.process, step.at)
    for process, samples in history.memory.items():
        at_work = [sample for sample in samples if sample[0] >= began.get(process, math.inf)]
        minutes, growth = memory_growth(at_work)
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
