"""When a worker stops its own runs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rowcrew.model.fence import Fence

moments = st.floats(0, 1e6)


def test_the_time_counts_from_when_the_heartbeat_was_sent() -> None:
    fence = Fence(seconds=20, now=100)
    assert fence.remaining(105) == 15
    fence.proven(sent_at=103)
    assert fence.remaining(110) == 13
    assert fence.remaining(123) == 0


@given(st.lists(moments), moments)
def test_an_answer_that_comes_late_never_takes_time_away(sent: list[float], now: float) -> None:
    fence = Fence(seconds=20, now=0)
    left = fence.remaining(now)
    for moment in sent:
        fence.proven(moment)
        assert fence.remaining(now) >= left
        left = fence.remaining(now)
    assert left == max([0.0, *sent]) + 20 - now
