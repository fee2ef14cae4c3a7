"""This checkout beside another commit: share of the limit, processor time, start and memory, in turns.

Both sides run in the same environment on the same server, and only PYTHONPATH differs: a ratio is about the
code. They take turns in the order A B B A, so that a machine that slows down meanwhile slows both.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import msgspec

from benchmarks.start import memory_of, milliseconds_of
from rowcrew.bench.processes import DEFAULTS
from rowcrew.bench.report import Report, Row, Table, machine_facts
from rowcrew.bench.scratch import empty_schema
from rowcrew.bench.table import BenchTable
from rowcrew.cli.bench import tell
from rowcrew.model.errors import RowcrewError
from rowcrew.settings import environment_with

ROOT: Final = Path(__file__).parents[1]
ROWCREW: Final = ("-m", "rowcrew.cli")
STARTS: Final = ("--help", "--version")
MEMORY_TURNS: Final = 2
NOTES: Final = (
    "share: jobs per second of one worker, as a share of the same transitions with no worker",
    "cpu: microseconds of processor time of control and runner for each job",
    "ratio: of the medians' table, the median of the turns' ratios; here divided by the other commit",
)

Figures = Mapping[str, float]


class Side(NamedTuple):
    """One of the two packages that are compared: its name in the tables, and the directory to import from."""

    name: str
    packages: Path

    def environment(self, **variables: str) -> dict[str, str]:
        """For a process that imports this side's package, and has the defaults where none is given."""
        return environment_with(**{**DEFAULTS, **self.import_path, **variables})

    @property
    def import_path(self) -> dict[str, str]:
        return {"PYTHONPATH": str(self.packages)}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--against", metavar="COMMIT", default="HEAD", help="the other commit; default: HEAD")
    parser.add_argument("--rounds", type=int, default=6, help="turns of each side's drain")
    parser.add_argument("--jobs", type=int, default=50_000, help="jobs of each drain")
    parser.add_argument("--starts", type=int, default=10, help="starts of each command")


def measure(url: str, options: argparse.Namespace) -> Report:
    with BenchTable(url) as table:
        machine = machine_facts(table.settings())
    with checked_out(options.against) as other:
        sides = (Side(options.against, other / "python-worker"), Side("here", ROOT / "python-worker"))
        drains = in_turns("drain", sides, options.rounds, lambda side: drain(side, url, options.jobs))
        # The first turn reads what is not in the cache yet, and does not count.
        starts = in_turns("start", sides, options.starts + 1, starts_of)[1:]
        memory = in_turns("memory", sides, MEMORY_TURNS, lambda side: control_memory(side, url, options.jobs))
    return Report(
        "paired",
        machine,
        (
            Table(f"each round of {options.jobs:,} jobs, {options.against} and here", rounds_of(drains)),
            Table("medians", [row for turns in (drains, starts, memory) for row in medians(turns)]),
        ),
        NOTES,
    )


# The two sides.


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """The files of a commit in a directory that lasts as long as the block.

    An archive, not a worktree of git's: nothing is left in the repository, however the benchmark ends.

    Raises:
        RowcrewError: there is no such commit, or no repository.
    """
    with TemporaryDirectory(prefix="rowcrew-paired-") as directory:
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
        if archive.returncode != 0:
            raise RowcrewError(f"git has no files of {commit}: {archive.stderr.decode().strip()}")
        subprocess.run(["tar", "-x", "-C", directory], input=archive.stdout, check=True)
        # This checkout has its byte-code already.
        subprocess.run([sys.executable, "-m", "compileall", "-q", directory], check=True)
        yield Path(directory)


class Turn(NamedTuple):
    """What both sides showed in the same minute."""

    other: Figures
    here: Figures

    def ratio(self, figure: str) -> float:
        """Of here to the other; no number when the other's processor time is below the counter's 10 ms."""
        return self.here[figure] / self.other[figure] if self.other[figure] else math.nan


def in_turns(
    what: str, sides: tuple[Side, Side], turns: int, figures_of: Callable[[Side], Figures]
) -> list[Turn]:
    """Both sides, so many times: A B, B A, A B, …"""
    found = []
    for number in range(turns):
        order = sides if number % 2 == 0 else sides[::-1]
        figures = {}
        for side in order:
            tell(f"{what}, turn {number + 1} of {turns}: {side.name}")
            figures[side.packages] = figures_of(side)
        found.append(Turn(*(figures[side.packages] for side in sides)))
    return found


# What is measured.


def drain(side: Side, url: str, jobs: int) -> Figures:
    """One round of the side's own `rowcrew bench drain`."""
    command = (*ROWCREW, "bench", "drain", "--jobs", str(jobs), "--rounds", "1", "--json")
    report = msgspec.json.decode(output_of(command, side, DATABASE_URL=url))
    rows: dict[str, dict[str, Any]] = {row["what"]: row for row in report["tables"][0]["rows"]}
    worker, limit = rows["one worker"], rows["no worker"]
    return {
        "share": worker["jobsPerSecond"] / limit["jobsPerSecond"],
        "cpu": worker["cpuControl"] + worker["cpuRunner"],
        "cpu of control": worker["cpuControl"],
        "cpu of runner": worker["cpuRunner"],
    }


def starts_of(side: Side) -> Figures:
    environment = side.environment()
    return {
        f"milliseconds of rowcrew {option}": milliseconds_of((*ROWCREW, option), environment)
        for option in STARTS
    }


def control_memory(side: Side, url: str, jobs: int) -> Figures:
    """Resident MiB of control, in a schema that the side itself has migrated."""
    with empty_schema(url) as schema:
        output_of((*ROWCREW, "migrate"), side, DATABASE_URL=schema)
        with BenchTable(schema) as table:
            rows = memory_of(schema, table, jobs, side.import_path)
    return {f"MiB of control, {row['moment']}": row["control"] for row in rows}


def output_of(command: Sequence[str], side: Side, **variables: str) -> bytes:
    """What the side's program writes to its standard output.

    Raises:
        RowcrewError: it failed.
    """
    process = subprocess.Popen(
        [sys.executable, *command],
        env=side.environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches us alone, and we end the program in our order
    )
    try:
        output, errors = process.communicate()
    except BaseException:
        # Told so, a benchmark stops its worker and drops its schema; killed, it leaves both.
        process.terminate()
        process.wait()
        raise
    if process.returncode != 0:
        last = errors.decode(errors="replace").strip().rpartition("\n")[2]
        raise RowcrewError(f"rowcrew {command[2]} of {side.name} failed: {last}")
    return output


# What is told.


def rounds_of(drains: Sequence[Turn]) -> list[Row]:
    return [
        {
            "round": number,
            "share": f"{turn.other['share']:.3f} {turn.here['share']:.3f}",
            "shareRatio": round(turn.ratio("share"), 3),
            "cpu": f"{turn.other['cpu']:.1f} {turn.here['cpu']:.1f}",
            "cpuRatio": round(turn.ratio("cpu"), 3),
        }
        for number, turn in enumerate(drains, 1)
    ]


def medians(turns: Sequence[Turn]) -> list[Row]:
    """Each figure of these turns."""
    return [
        {
            "figure": figure,
            "other": round(statistics.median(turn.other[figure] for turn in turns), 3),
            "here": round(statistics.median(turn.here[figure] for turn in turns), 3),
            "ratio": round(statistics.median(turn.ratio(figure) for turn in turns), 3),
        }
        for figure in turns[0].other
    ]
