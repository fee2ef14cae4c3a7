"""A number of things as people say it: `1 job`, `2 jobs`."""

from __future__ import annotations


def counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


class Count(int):
    """A number that a format string words with the thing it counts: `{deleted:job}`."""

    __slots__ = ()

    def __format__(self, thing: str) -> str:
        return counted(int(self), thing)
