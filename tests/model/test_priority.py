"""Priorities by name and by number."""

from __future__ import annotations

from typing import Any

import pytest

from rowcrew import InvalidJob
from rowcrew.model.floors import NAMED_PRIORITIES
from rowcrew.model.priority import PRIORITIES, priority_value


@pytest.mark.parametrize(
    ("priority", "value"),
    [("urgent", 20), ("high", 10), ("normal", 0), ("low", -10), (7, 7), (-32768, -32768)],
)
def test_a_name_stands_for_its_number_and_a_number_for_itself(priority: int | str, value: int) -> None:
    assert priority_value(priority) == value


@pytest.mark.parametrize("priority", ["highest", "URGENT", "7", "", 32768, -32769, True, 1.5, 5.0, None, []])
def test_what_is_no_priority_is_refused_with_a_remedy(priority: Any) -> None:
    with pytest.raises(InvalidJob) as refused:
        priority_value(priority)
    assert refused.value.field == "priority"
    assert repr(priority) in str(refused.value)
    assert "give" in str(refused.value)


def test_every_priority_with_a_name_is_always_looked_at() -> None:
    assert set(PRIORITIES.values()) == set(NAMED_PRIORITIES)
