"""Lists of texts and numbers as PostgreSQL's array literals, for statements that name the array's type.

psycopg's own dumper asks each element for its type; on a reservation's five arrays that took more time than
all other parameters and the answer together.
"""

from __future__ import annotations

from typing import Any

from psycopg.abc import Buffer
from psycopg.adapt import Dumper


class ArrayDumper(Dumper):
    """A psycopg dumper for `list`: elements are str or int, without None and without NUL bytes."""

    def dump(self, values: list[Any]) -> Buffer:
        return b"{%b}" % ",".join([_element(value) for value in values]).encode()


def _element(value: Any) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(int(value))
