"""No wake-up for a free place gets lost, in any interleaving, and each rule is needed for that."""

from __future__ import annotations

import pytest

from tests.model_based.wake_model import Rules, explore

BROKEN = {
    "a worker looks before the end of its run is committed": Rules(told_after_the_commit=False),
    "who could fill one of two places tells nobody of the other": Rules(announces_what_is_left=False),
    "what is told during a look counts no more after it": Rules(hears_while_it_looks=False),
    "who finds the lock taken waits for the next word": Rules(lost_lock_is_tried_again=False),
    "who takes no more jobs tells nobody of the places it leaves": Rules(who_closes_announces=False),
}


@pytest.mark.timeout(600)
def test_no_interleaving_leaves_a_free_place_beside_a_row_that_could_start() -> None:
    explored = explore(Rules())
    assert explored.broken is None, str(explored.broken)
    assert explored.states > 1_000


@pytest.mark.parametrize("name", BROKEN)
def test_every_rule_about_wake_ups_is_needed(name: str) -> None:
    broken = explore(BROKEN[name]).broken
    assert broken is not None, f"nothing refutes: {name}"
    assert broken.promise == "a free place and a row that could start in it do not both stay"
    print(f"{name}: {broken}")  # noqa: T201 - shown by pytest -s
