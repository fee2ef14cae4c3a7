"""Standard output as a process has it: text that it cannot encode is an error."""

from __future__ import annotations

import io


class Written(io.TextIOWrapper):
    """A stream in UTF-8 and what was written to it."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        super().__init__(self._bytes, encoding="utf-8")

    def getvalue(self) -> str:
        return self._bytes.getvalue().decode()
