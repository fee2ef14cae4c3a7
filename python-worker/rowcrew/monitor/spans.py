"""A job's time line as bars: hollow while it waited, filled while it ran.

In: a job with its attempts, and the moment. Out: a line for each stretch of its life, all to one scale.
Called by the page of a job.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

from rowcrew.admin.jobs import ShownJob
from rowcrew.model.terminal_text import one_line, padded
from rowcrew.monitor.table import Cell, Tone
from rowcrew.monitor.words import brief, size
from rowcrew.table.rows import Attempt

_LABEL: Final = 11
_LENGTH: Final = 8
_MOST: Final = 12
_TONES: Final[dict[str, Tone]] = {"completed": "good", "running": "work", "failed": "bad", "lost": "bad"}


class Span(NamedTuple):
    """A stretch of a job's life; `note` says how it ended."""

    name: str
    begin: datetime
    end: datetime
    runs: bool
    note: str = ""
    tone: Tone = "ink"


def span_lines(shown: ShownJob, moment: datetime, room: int) -> list[Sequence[Cell]]:
    """The latest stretches, each with its bar, how long it was, and its end."""
    spans = _spans(shown, moment)
    bar = max(10, min(40, room // 3))
    begin, end = spans[0].begin, max(span.end for span in spans)
    return [_line(span, begin, end, bar, room) for span in spans[-_MOST:]]


def _spans(shown: ShownJob, moment: datetime) -> list[Span]:
    """Waits and runs by turns, from the INSERT on."""
    runs = _runs(shown, moment)
    job = shown.job
    if not runs:
        end = job.finished_at or max(moment, job.created_at)
        return [Span("waits" if job.finished_at is None else "waited", job.created_at, end, False)]
    spans = [Span("waited", job.created_at, max(job.created_at, runs[0].begin), False), runs[0]]
    for before, run in pairwise(runs):
        spans += [Span("waited", before.end, max(before.end, run.begin), False), run]
    if job.status == "queued":
        spans.append(Span("waits", runs[-1].end, max(runs[-1].end, moment), False))
    return spans


def _runs(shown: ShownJob, moment: datetime) -> list[Span]:
    job = shown.job
    runs = [_run(attempt) for attempt in shown.attempts]
    if job.started_at is not None and job.status in ("processing", "completed"):
        word = "running" if job.status == "processing" else "completed"
        worker = f" on {one_line(job.worker)}" if job.worker else ""
        end = job.finished_at or max(moment, job.started_at)
        runs.append(
            Span(f"attempt {job.attempts}", job.started_at, end, True, f"{word}{worker}", _TONES[word])
        )
    return sorted(runs, key=lambda run: run.begin)


def _run(attempt: Attempt) -> Span:
    memory = "" if attempt.memory_bytes is None else f", {size(attempt.memory_bytes)}"
    worker = f" on {one_line(attempt.worker)}" if attempt.worker else ""
    error = f": {one_line(attempt.error)}" if attempt.error else ""
    return Span(
        f"attempt {attempt.attempt}",
        attempt.started_at or attempt.finished_at,
        attempt.finished_at,
        True,
        f"{attempt.outcome}{worker}{memory}{error}",
        _TONES.get(attempt.outcome, "warn"),
    )


def _line(span: Span, begin: datetime, end: datetime, bar: int, room: int) -> list[Cell]:
    whole = max((end - begin).total_seconds(), 0.001)
    first = min(bar - 1, int(bar * max(0.0, (span.begin - begin).total_seconds()) / whole))
    last = max(first + 1, min(bar, round(bar * (span.end - begin).total_seconds() / whole)))
    drawn = " " * first + ("█" if span.runs else "░") * (last - first)
    length = brief((span.end - span.begin).total_seconds())
    note = padded(span.note, max(0, room - _LABEL - bar - _LENGTH - 2), False).rstrip() if span.note else ""
    return [
        Cell(f"{span.name:{_LABEL}}", "dim"),
        Cell(f"{drawn:{bar}}", span.tone if span.runs else "dim"),
        Cell(f"{length:>{_LENGTH}}  "),
        Cell(note, span.tone),
    ]
