"""The sizes of Fargate, against a table of them that stands on its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from rig.amazon import FARGATE_SIZES
from rowcrew.spawn.launchers.fargate import Size, fargate_size


@given(some.integers(0, 16_384), some.integers(0, 122_880))
def test_the_smallest_size_that_holds_the_worker_is_taken(cpu: int, mebibytes: int) -> None:
    found = fargate_size(Size(cpu, mebibytes))
    fitting = [one for one in FARGATE_SIZES if one[0] >= cpu and one[1] >= mebibytes]
    assert found == min(fitting)
