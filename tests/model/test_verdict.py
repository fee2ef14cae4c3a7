"""What is written for every way a run can end, on the last attempt and before."""

from __future__ import annotations

import pytest

from rowcrew.model.outcome import (
    Cancelled,
    Completed,
    Errored,
    Lost,
    Outcome,
    Parked,
    Recorded,
    Released,
    Snoozed,
)
from rowcrew.model.verdict import Verdict, verdict
from tests.model.made import a_job

BACKOFF = 4.0

ON_ANY_ATTEMPT: list[tuple[Outcome, Verdict | None]] = [
    (Completed(), Verdict("completed")),
    (Completed(b"1", b"[]"), Verdict("completed", result=b"1", children=b"[]")),
    (Recorded(), None),
    (Snoozed(9.0), Verdict("queued", "snoozed", delay_seconds=9.0, refund=1)),
    (Parked(b"[]", [7]), Verdict("queued", "snoozed", refund=1, children=b"[]", waits=[7])),
    (Cancelled("enough"), Verdict("cancelled", "cancelled", error="enough")),
    (Released("stopped"), Verdict("queued", "released", error="stopped", refund=1)),
    (
        Lost("killed", blamed=False, memory_bytes=5),
        Verdict("queued", "lost", error="killed", refund=1, crash=1, memory_bytes=5),
    ),
    (
        Errored("no", "trace", permanent=True, after_seconds=1.0),
        Verdict("failed", "failed", error="no", traceback="trace"),
    ),
]
BEFORE_THE_LAST: list[tuple[Outcome, Verdict]] = [
    (
        Errored("no", "trace", memory_bytes=5),
        Verdict("queued", "retried", error="no", traceback="trace", delay_seconds=BACKOFF, memory_bytes=5),
    ),
    (Errored("no", after_seconds=0.0), Verdict("queued", "retried", error="no", delay_seconds=0.0)),
    (Errored("no", after_seconds=90.0), Verdict("queued", "retried", error="no", delay_seconds=90.0)),
    (
        Lost("killed", blamed=True, memory_bytes=5),
        Verdict("queued", "retried", error="killed", delay_seconds=BACKOFF, memory_bytes=5),
    ),
]
ON_THE_LAST: list[tuple[Outcome, Verdict]] = [
    (
        Errored("no", "trace", after_seconds=90.0, memory_bytes=5),
        Verdict("failed", "failed", error="no", traceback="trace", memory_bytes=5),
    ),
    (
        Lost("killed", blamed=True, memory_bytes=5),
        Verdict("failed", "failed", error="killed", memory_bytes=5),
    ),
]


@pytest.mark.parametrize("attempt", [1, 2, 3, 4])
@pytest.mark.parametrize(("outcome", "expected"), ON_ANY_ATTEMPT, ids=repr)
def test_these_ends_are_the_same_on_every_attempt(
    outcome: Outcome, expected: Verdict | None, attempt: int
) -> None:
    assert verdict(a_job(attempt=attempt, max_attempts=3), outcome, BACKOFF) == expected


@pytest.mark.parametrize(("outcome", "expected"), BEFORE_THE_LAST, ids=repr)
def test_a_failed_run_is_retried_while_attempts_are_left(outcome: Outcome, expected: Verdict) -> None:
    assert verdict(a_job(attempt=2, max_attempts=3), outcome, BACKOFF) == expected


@pytest.mark.parametrize("attempt", [3, 4])
@pytest.mark.parametrize(("outcome", "expected"), ON_THE_LAST, ids=repr)
def test_a_failed_run_ends_the_job_when_no_attempts_are_left(
    outcome: Outcome, expected: Verdict, attempt: int
) -> None:
    assert verdict(a_job(attempt=attempt, max_attempts=3), outcome, BACKOFF) == expected


def test_a_job_with_one_attempt_is_never_retried() -> None:
    written = verdict(a_job(attempt=1, max_attempts=1), Errored("no"), BACKOFF)
    assert written is not None
    assert written.status == "failed"


def test_every_outcome_is_in_these_tables() -> None:
    told = {type(outcome) for outcome, _ in [*ON_ANY_ATTEMPT, *BEFORE_THE_LAST, *ON_THE_LAST]}
    assert told == set(Outcome.__args__)


def test_whoever_loses_the_attempt_never_gets_a_refund() -> None:
    for outcome, expected in [*ON_ANY_ATTEMPT, *BEFORE_THE_LAST, *ON_THE_LAST]:
        if expected is not None and expected.refund:
            assert expected.status == "queued", outcome
            assert not isinstance(outcome, Errored)
