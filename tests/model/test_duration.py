"""A length of time as people say it."""

from __future__ import annotations

import pytest

from rowcrew.model.duration import duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (312, "5 min 12 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (11_100, "3 h 5 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_two_units_are_enough(seconds: float, said: str) -> None:
    assert duration(seconds) == said
