"""The SQL files by name: `text("reserve")` is the content of `sql/reserve.sql`."""

from __future__ import annotations

import functools
from importlib import resources


@functools.cache
def text(name: str) -> str:
    """The statement of that name, with named parameters as psycopg writes them: `%(name)s`."""
    return (resources.files("rowcrew.table") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
