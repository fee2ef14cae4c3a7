"""The queue's statements for tests that send them as they are, by the verb's name alone."""

from __future__ import annotations

from rowcrew.table.statements import SQL


def statement(name: str) -> str:
    """The text of the one statement of this name, in whichever room it is."""
    [text] = [text for path, text in SQL.items() if path.rpartition("/")[2] == name]
    return text
