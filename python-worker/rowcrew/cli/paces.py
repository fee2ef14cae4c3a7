"""How a queue or a type has done of late, as a table that fits 80 columns.

In: paces. Out: a line for each time looked at. Called by `queues show` and `types show`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rowcrew.cli.tables import print_table
from rowcrew.model.duration import duration
from rowcrew.model.pace import WINDOWS, Pace

COLUMNS: Final = (
    "within",
    "completed",
    "failed",
    "errors",
    "per min",
    "wait p95",
    "run mean",
    "run p95",
    "MiB",
)
_NAMES: Final = {seconds: name for name, seconds in WINDOWS.items()}


def print_paces(paces: Sequence[Pace]) -> None:
    """Print the table, and why it may be empty although jobs have just ended."""
    print_table([_cells(pace) for pace in paces], COLUMNS)
    if not any(pace.completed or pace.failed for pace in paces[:1]):
        print("\nWorkers count once a minute, so the latest ends may be missing.")


def brief(seconds: float | None) -> str:
    """The largest unit alone, and milliseconds below a second."""
    if seconds is None:
        return ""
    return f"{1000 * seconds:.0f} ms" if seconds < 0.95 else " ".join(duration(seconds).split()[:2])


def _cells(pace: Pace) -> dict[str, Any]:
    share, rate, memory = pace.error_share, pace.ended_per_minute, pace.memory_bytes
    return {
        "within": _NAMES[pace.seconds],
        "completed": pace.completed,
        "failed": pace.failed,
        "errors": "" if share is None else f"{100 * share:.1f} %",
        "per min": round(rate, 1) if rate < 100 else round(rate),
        "wait p95": brief(pace.wait_p95_seconds),
        "run mean": brief(pace.run_mean_seconds),
        "run p95": brief(pace.run_p95_seconds),
        "MiB": None if memory is None else round(memory / 2**20),
    }
