"""Jobs per second of the last third over the first while an old snapshot pins every dead row, and without it.

The same as `rowcrew bench pinned`, here on a private server with a gigabyte of shared buffers.
"""

from __future__ import annotations

import argparse

from rowcrew.bench import drain, pinned
from rowcrew.bench.report import Report
from rowcrew.cli.bench import tell


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=int, default=300_000, help="jobs of each flow")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slots", type=int, default=drain.SLOTS, help="jobs that the worker runs at once")


def measure(url: str, options: argparse.Namespace) -> Report:
    return pinned.measure(url, jobs=options.jobs, rounds=options.rounds, slots=options.slots, tell=tell)
