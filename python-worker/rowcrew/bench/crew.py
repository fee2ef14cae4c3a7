"""The crew of the benchmarks: one handler that does nothing."""

from __future__ import annotations

from rowcrew import Crew

crew = Crew()


@crew.job("bench_noop")
async def noop(number: int) -> None:
    """Do nothing with a small payload."""
