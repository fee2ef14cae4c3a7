"""The lease protocol keeps its promises in every interleaving, and each of its rules is needed for that."""

from __future__ import annotations

import os

import pytest

from tests.model_based.database import End, Row
from tests.model_based.lease_model import Protocol, explore


def by_id(_row: Row, _end: End, _worker: int) -> bool:
    return True


def by_status(row: Row, _end: End, _worker: int) -> bool:
    return row.status == "processing"


def by_worker(row: Row, _end: End, worker: int) -> bool:
    return row.status == "processing" and row.holder == worker


def by_attempt(row: Row, end: End, _worker: int) -> bool:
    return row.status == "processing" and row.attempts == end.attempt


def by_lease_alone(row: Row, end: End, _worker: int) -> bool:
    return row.lease == end.lease


BROKEN = {
    "fence by id": Protocol(fence=by_id),
    "fence by status": Protocol(fence=by_status),
    "fence by worker": Protocol(fence=by_worker),
    "fence by attempt": Protocol(fence=by_attempt),
    "fence by lease, whatever the status": Protocol(fence=by_lease_alone),
    "rescue without proof of silence": Protocol(rescue_proves_silence=False),
    "requeue that does not wait": Protocol(requeue_waits=False),
    "no fence of one's own": Protocol(fences_itself=False),
    "a wait that costs an attempt": Protocol(wait_refunds=False),
}
BROKEN_UNDER_A_LIMIT = {
    "a place that a crash forgets": Protocol(places_are_durable=False),
    "a place that a change by hand gives away": Protocol(place_outlives_a_hand=False),
    "no fence of one's own": Protocol(fences_itself=False),
}


# With LONG_TESTS set to anything, minutes instead of seconds.
FAULTS = 2 if os.environ.get("LONG_TESTS") else 1


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("limited", [False, True], ids=["no limit", "a limit"])
def test_no_interleaving_breaks_a_promise(limited: bool) -> None:
    explored = explore(Protocol(), limited=limited, faults=FAULTS)
    assert explored.broken is None, str(explored.broken)
    assert explored.states > 10_000


@pytest.mark.parametrize("name", BROKEN)
def test_every_rule_is_needed(name: str) -> None:
    broken = explore(BROKEN[name]).broken
    assert broken is not None, f"nothing refutes: {name}"
    print(f"{name}: {broken}")  # noqa: T201 - shown by pytest -s


@pytest.mark.parametrize("name", BROKEN_UNDER_A_LIMIT)
def test_every_rule_is_needed_under_a_limit(name: str) -> None:
    broken = explore(BROKEN_UNDER_A_LIMIT[name], limited=True).broken
    assert broken is not None, f"nothing refutes: {name}"
    print(f"{name}: {broken}")  # noqa: T201 - shown by pytest -s
