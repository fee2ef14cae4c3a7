"""Limits and waiting keep their promises in every interleaving, and each of their rules is needed."""

from __future__ import annotations

import pytest

from tests.model_based.flow_model import Rules, explore

PLACES = "never more runs than the limit allows"
STAYS = "a free place and a ready row do not both stay"
EARLY = "no waiter is released with a live dependency"
LEFT = "no waiter is left when all have ended"
BROKEN = {
    "places counted without the lock": (Rules(counts_under_the_lock=False), PLACES),
    "a change by hand frees the place at once": (Rules(keeps_places_changed_by_hand=False), PLACES),
    "a rescue that leaves places taken": (Rules(rescue_frees_places=False), STAYS),
    "no second look for places": (Rules(looks_again=False), STAYS),
    "ends that tell nobody": (Rules(ends_are_told=False), LEFT),
    "the watched job is not read again under its lock": (Rules(reads_what_it_locked=False), LEFT),
    "a look at the watched job alone": (Rules(looks_at_all=False), EARLY),
    "a requeued waiter that does not wait": (
        Rules(policy="failFast", requeued_waits_anew=False),
        EARLY,
    ),
}


@pytest.mark.parametrize("policy", ["completed", "ended", "failFast"])
def test_no_interleaving_breaks_a_promise_of_limits_and_waits(policy: str) -> None:
    explored = explore(Rules(policy=policy))
    assert explored.broken is None, str(explored.broken)
    assert explored.states > 1_000


@pytest.mark.parametrize("name", BROKEN)
def test_every_rule_of_limits_and_waits_is_needed(name: str) -> None:
    rules, promise = BROKEN[name]
    broken = explore(rules).broken
    assert broken is not None, f"nothing refutes: {name}"
    assert broken.promise == promise, str(broken)
