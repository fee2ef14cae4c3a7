"""A short storm, the same at every run of the tests: whatever the faults are, no invariant breaks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from storm.faults import FAULTS, LONG, LONG_WEIGHTS, SHORT, WEIGHTS, script

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(400)
def test_no_invariant_breaks_in_a_storm() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "storm", "--seconds", "40", "--seed", "1", "--workers", "3", "--rate", "12"],
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
    assert kinds == set(FAULTS) == set(WEIGHTS)
    assert set(LONG_WEIGHTS) <= set(FAULTS)


def test_only_a_long_storm_has_faults_longer_than_a_lease() -> None:
    assert max(blow.seconds for blow in script(1, 240, 4, SHORT)) < 30
    assert max(blow.seconds for seed in range(5) for blow in script(seed, 600, 4, LONG)) > 30
