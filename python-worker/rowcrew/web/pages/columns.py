"""The columns of the list of jobs: which there are, and which of them somebody wants to see.

In: names, as the address has them. Out: columns in the order of the table. Called by the list of jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple


class Column(NamedTuple):
    """A column; the id of the job is none, because it is always there.

    Attributes:
        is_usual: whether it is shown where nobody has chosen.
        is_figure: whether it stands on the right.
        is_for_room: whether it is left out where the window is narrow, unless it was chosen.
    """

    name: str
    title: str
    is_usual: bool = True
    is_figure: bool = False
    is_for_room: bool = False


COLUMNS: Final = (
    Column("created", "Created"),
    Column("type", "Type"),
    Column("status", "Status"),
    Column("priority", "Priority", is_usual=False, is_figure=True),
    Column("attempt", "Attempt", is_figure=True, is_for_room=True),
    Column("queue", "Queue", is_for_room=True),
    Column("key", "Key"),
    Column("due", "Due", is_usual=False),
    Column("started", "Started", is_usual=False),
    Column("finished", "Finished", is_usual=False),
    Column("ran", "Ran", is_figure=True),
    Column("worker", "Worker", is_usual=False),
    Column("parent", "Parent", is_usual=False),
    Column("progress", "Progress or error"),
)
_USUAL: Final = tuple(column for column in COLUMNS if column.is_usual)


def shown(names: Sequence[str]) -> tuple[Column, ...]:
    """The columns of these names, or the usual ones where none is known."""
    return tuple(column for column in COLUMNS if column.name in names) or _USUAL


def chosen(columns: Sequence[Column]) -> list[str]:
    """What an address says of them: nothing of the usual ones."""
    return [] if tuple(columns) == _USUAL else [column.name for column in columns]
