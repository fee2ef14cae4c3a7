"""How long a storm may take to drain follows from the work that is left at its calm."""

from __future__ import annotations

import pytest

from storm.drain import RUN_SECONDS, Left, work_seconds

SLOTS = (6, 6)


def test_without_work_there_is_no_more_time() -> None:
    assert work_seconds([], SLOTS) == 0


def test_ordinary_jobs_share_all_slots() -> None:
    assert work_seconds([Left(9, 0)] * 12, SLOTS) == 9 + RUN_SECONDS


def test_suspects_share_two_runners_of_each_worker_and_run_again_beside_a_culprit() -> None:
    assert work_seconds([Left(9, 3)] * 8, (6, 6)) - _alone(8) == (9 + RUN_SECONDS) * 2
    assert work_seconds([Left(9, 1)] * 4, (6, 6)) == (9 + RUN_SECONDS) * 3


def test_a_suspect_that_needs_a_worker_alone_waits_until_it_is_empty_but_not_for_ever() -> None:
    assert work_seconds([Left(0, 3)], (6,)) == RUN_SECONDS / 2
    assert work_seconds([Left(0, 3), Left(20, 0)], (6,)) == pytest.approx(
        RUN_SECONDS / 2 + (20 + RUN_SECONDS) / 6 + 20
    )
    assert work_seconds([Left(0, 3), Left(600, 0)], (6,)) == pytest.approx(
        RUN_SECONDS / 2 + (600 + RUN_SECONDS) / 6 + 60
    )


def _alone(suspects: int) -> float:
    """Each waits for the longest of the others, at two workers."""
    return suspects * 9 / 2
