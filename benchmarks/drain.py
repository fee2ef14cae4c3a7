"""Jobs per second of one worker with jobs that do nothing, beside the same statements with no worker.

The same as `rowcrew bench drain`, here on a private server with a gigabyte of shared buffers.
"""

from __future__ import annotations

import argparse
from typing import Final

from rowcrew.bench import drain
from rowcrew.bench.processes import PROGRAM
from rowcrew.bench.report import Report
from rowcrew.cli.bench import tell

PROGRAMS: Final = {"one worker": PROGRAM}
QUIET: Final = {"one worker, no job lines": ("-m", "benchmarks.quiet_worker")}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=int, default=50_000, help="jobs in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--batch-size", type=int, help="most rows of one reservation; by default the worker chooses"
    )
    parser.add_argument("--slots", type=int, default=drain.SLOTS, help="jobs that the worker runs at once")
    parser.add_argument(
        "--no-job-lines", action="store_true", help="beside it a worker that writes no lines about jobs"
    )


def measure(url: str, options: argparse.Namespace) -> Report:
    return drain.measure(
        url,
        jobs=options.jobs,
        rounds=options.rounds,
        batch=options.batch_size,
        slots=options.slots,
        programs=PROGRAMS | (QUIET if options.no_job_lines else {}),
        tell=tell,
    )
