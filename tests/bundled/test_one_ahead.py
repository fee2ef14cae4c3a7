"""Blocks are made one ahead while the caller works: in order, one and no more; errors come at their place."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from rowcrew.bundled.csv_import.csv_file import one_ahead

SECONDS = 10.0


def test_the_next_item_is_made_while_the_caller_works_on_one() -> None:
    made = [threading.Event() for _ in range(4)]

    def items() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    ahead = one_ahead(items())
    assert not made[0].is_set()
    for number in range(3):
        assert next(ahead) == number
        assert made[number + 1].wait(SECONDS)
        assert not any(event.is_set() for event in made[number + 2 :])
    assert list(ahead) == [3]


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    ahead = one_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="broken"):
        next(ahead)


def test_closed_early_it_makes_no_more() -> None:
    made = []

    def items() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number

    before = set(threading.enumerate())
    ahead = one_ahead(items())
    next(ahead)
    threads = set(threading.enumerate()) - before
    ahead.close()
    assert made == [0, 1]
    assert threads
    assert not any(thread.is_alive() for thread in threads)
