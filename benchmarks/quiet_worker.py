"""`python -m benchmarks.quiet_worker worker CREW`: a worker that writes no line about single jobs.

Rowcrew has no switch for that: this program only shows what the lines cost. Started by
`./dev bench drain --no-job-lines`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rowcrew.cli import main
from rowcrew.log import Log
from rowcrew.model.job import Job


def say_nothing(log: Log, name: str, jobs: Iterable[Job]) -> None:
    """In place of `Log.jobs`."""


if __name__ == "__main__":
    Log.jobs = say_nothing  # type: ignore[assignment, method-assign]
    sys.exit(main(sys.argv[1:]))
