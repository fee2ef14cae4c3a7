"""The SQL files by name: `text("reserve")` is the content of `sql/reserve.sql`.

All are read at the first use, so that a worker says the same until its end: also when its files are replaced
under it by an upgrade, and when it may open no more of them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable


def text(name: str) -> str:
    """The statement of that name, with named parameters as psycopg writes them: `%(name)s`."""
    return _all()[name]


@functools.cache
def _all() -> dict[str, str]:
    return dict(_below(resources.files("rowcrew.table") / "sql", ""))


def _below(directory: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in directory.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(".sql"):
            yield path + entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8")
