"""`./dev bench paired`: each side runs its own package, and the two take turns."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks.paired import Side, Turn, checked_out, in_turns, medians, output_of, rounds_of
from rowcrew.model.errors import RowcrewError

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
HERE = Side("here", ROOT / "python-worker")
needs_git = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="there is no other commit")


@needs_git
def test_each_side_imports_its_own_package_and_the_other_one_is_gone_afterwards() -> None:
    with checked_out("HEAD") as directory:
        for packages in (directory / "python-worker", HERE.packages):
            where = output_of(("-c", "import rowcrew; print(rowcrew.__file__)"), Side("one", packages))
            assert Path(where.decode().strip()).is_relative_to(packages)
    assert not directory.exists()


@needs_git
def test_a_commit_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(RowcrewError, match="git has no files of no-such-commit: fatal: "):
        checked_out("no-such-commit").__enter__()


def test_a_command_that_fails_is_told_with_its_last_line() -> None:
    with pytest.raises(RowcrewError, match="rowcrew migrate of here failed: rowcrew: "):
        output_of(("-m", "rowcrew.cli", "migrate"), HERE)


def test_settings_of_whoever_measures_do_not_reach_either_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_CONCURRENCY", "7")
    told = output_of(("-c", "import os; print(repr(os.environ['WORKER_CONCURRENCY']))"), HERE)
    assert told.strip() == b"''"


def test_the_sides_take_turns_in_the_order_a_b_b_a() -> None:
    other = Side("other", ROOT)
    asked: list[str] = []

    def figures_of(side: Side) -> dict[str, float]:
        asked.append(side.name)
        return {"place": float(len(asked))}

    turns = in_turns("nothing", (other, HERE), 3, figures_of)
    assert asked == ["other", "here", "here", "other", "other", "here"]
    assert turns == [
        Turn({"place": 1.0}, {"place": 2.0}),
        Turn({"place": 4.0}, {"place": 3.0}),
        Turn({"place": 5.0}, {"place": 6.0}),
    ]


def test_processor_time_below_the_counters_step_makes_no_ratio() -> None:
    assert math.isnan(Turn({"cpu": 0.0}, {"cpu": 10.0}).ratio("cpu"))


def test_a_ratio_is_formed_turn_by_turn_and_then_its_median_taken() -> None:
    # A machine that is ten times slower in one turn changes the figures, and no ratio.
    turns = [
        Turn({"share": share, "cpu": cpu}, {"share": share * 1.1, "cpu": cpu / 2})
        for share, cpu in [(0.5, 10.0), (0.05, 100.0), (0.4, 12.0)]
    ]
    assert [row["shareRatio"] for row in rounds_of(turns)] == [1.1, 1.1, 1.1]
    assert medians(turns) == [
        {"figure": "share", "other": 0.4, "here": 0.44, "ratio": 1.1},
        {"figure": "cpu", "other": 12.0, "here": 6.0, "ratio": 0.5},
    ]
