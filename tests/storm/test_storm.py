"""The script of a storm, and a short one that shows that storms work; `.ci/run` has the long ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from storm.faults import FAULTS
from storm.script import (
    ACT,
    ACT_SECONDS,
    ENDING,
    LONG,
    LONG_WEIGHTS,
    POOLER_WEIGHTS,
    SHORT,
    WEIGHTS,
    script,
    with_acts,
    with_promotion,
)

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(400)
def test_no_invariant_breaks_in_a_storm() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "storm", "--seconds", "15", "--seed", "1", "--workers", "3", "--rate", "12"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "no invariant was broken" in ended.stdout


def test_a_seed_makes_the_same_storm_again() -> None:
    assert script(7, 90, 4, SHORT) == script(7, 90, 4, SHORT)
    assert script(7, 90, 4, SHORT) != script(8, 90, 4, SHORT)


def test_every_fault_comes_in_some_storm() -> None:
    kinds = {blow.kind for seed in range(20) for blow in script(seed, 90, 4, SHORT)}
    assert kinds == set(WEIGHTS)
    assert set(LONG_WEIGHTS) <= set(WEIGHTS)
    pooled = {blow.kind for seed in range(20) for blow in script(seed, 90, 4, SHORT, pooled=True)}
    assert pooled == set(FAULTS) - {"promote", ACT} == set(WEIGHTS) | set(POOLER_WEIGHTS)


def test_a_promotion_comes_once_in_the_midst_of_the_others() -> None:
    others = script(1, 90, 4, SHORT)
    blows = with_promotion(others, 1, 90)
    (promotion,) = set(blows) - set(others)
    assert (promotion.kind, promotion.at) == ("promote", 45)
    assert blows == sorted(blows)


def test_a_worker_is_killed_in_the_act_in_every_storm() -> None:
    for seed in range(20):
        others = script(seed, 30, 4, SHORT)
        blows = with_acts(others, seed, 30, 4)
        acts = sorted(set(blows) - set(others))
        assert {blow.kind for blow in acts} == {ACT}
        assert acts[0].at <= ACT_SECONDS[1]
        assert blows == sorted(blows)


def test_one_worker_lives_through_the_whole_storm() -> None:
    ended = {blow.place for seed in range(20) for blow in script(seed, 90, 4, SHORT) if blow.kind in ENDING}
    assert ended == {0, 1, 2}


def test_only_a_long_storm_has_faults_longer_than_a_lease() -> None:
    assert max(blow.seconds for blow in script(1, 240, 4, SHORT)) < 30
    assert max(blow.seconds for seed in range(5) for blow in script(seed, 600, 4, LONG)) > 30
