"""What handlers of a test write down, and the gate they wait at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rig.waiting import eventually

Row = dict[str, Any]


class Journal:
    """What handlers wrote down, in the order of writing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def entries(self, what: str | None = None, **facts: Any) -> list[Row]:
        # A line without its end is still being written.
        lines = self.path.read_text().rpartition("\n")[0].splitlines()
        entries = [json.loads(line) for line in lines]
        facts |= {} if what is None else {"what": what}
        return [entry for entry in entries if all(entry.get(name) == value for name, value in facts.items())]

    def has(self, what: str, *, times: int = 1, seconds: float = 30, **facts: Any) -> Row:
        """Wait until the journal has this entry so many times; the last of them."""

        def enough() -> list[Row]:
            found = self.entries(what, **facts)
            return found if len(found) >= times else []

        return eventually(enough, seconds)[times - 1]


class Gate:
    """A file that handlers wait for, and a test makes."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def open(self) -> None:
        Path(self.path).touch()
