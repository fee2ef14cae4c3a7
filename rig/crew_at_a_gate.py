"""The bundled crew, whose runs stand still at their third sign of progress until a test lets them go.

Loaded by runner processes as `crew_at_a_gate:crew`. Next to the file that JOURNAL names, a run makes the file
`at-work-ID` and waits for the file `go-on-ID`.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

from rowcrew.bundled import crew
from rowcrew.context import Context

__all__ = ["crew"]

THIRD = 3
_signs: Counter[int] = Counter()
_progress = Context.progress


def _at_the_gate(
    self: Context, current: float, total: float | None = None, message: str | None = None
) -> None:
    _signs[self.job.id] += 1
    if _signs[self.job.id] == THIRD:
        place = Path(os.environ["JOURNAL"]).parent
        (place / f"at-work-{self.job.id}").touch()
        while not (place / f"go-on-{self.job.id}").exists():
            time.sleep(0.01)
    _progress(self, current, total, message)


Context.progress = _at_the_gate  # type: ignore[method-assign]
