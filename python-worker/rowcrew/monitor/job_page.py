"""Everything about one job, as lines: why it is where it is, its time line, what it said, its values.

In: what `admin` knows of the job. Out: lines of cells for so many columns. Called by the screen Job.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from rowcrew.admin.jobs import Explained
from rowcrew.admin.one_job import OneJob
from rowcrew.model.terminal_text import folded, one_line, printable
from rowcrew.monitor.rows import STATUSES, marked, progress_text
from rowcrew.monitor.spans import span_lines
from rowcrew.monitor.table import Cell
from rowcrew.monitor.words import Worded
from rowcrew.table.rows import Said, WholeJob

Line = Sequence[Cell]

_LINES: Final = 20
_CHARACTERS: Final = 4_000
_FORMATTED: Final = 100_000


def page(seen: OneJob, room: int, worded: Worded) -> list[Line]:
    """The page in lines of at most so many columns."""
    job = seen.shown.job
    lines: list[Line] = [_headline(job), *_reasons(seen.explained, room, worded), []]
    lines += span_lines(seen.shown, _moment(seen), room)
    lines += [[], *_facts(job, room)]
    lines += _said(seen.said, room)
    for name, value in (("payload", job.payload), ("checkpoint", job.checkpoint), ("result", job.result)):
        lines += _json(name, value, room)
    for attempt in reversed(seen.shown.attempts):
        if attempt.traceback:
            lines += _block(f"traceback of attempt {attempt.attempt}", attempt.traceback, room)
    return lines


def _headline(job: WholeJob) -> Line:
    return [
        Cell(f"{job.id}  ", "strong"),
        Cell(f"{one_line(job.type)}  ", "strong"),
        marked(job.status, STATUSES),
        Cell(f"  queue {job.queue}, attempt {job.attempts} of {job.max_attempts}", "dim"),
    ]


def _reasons(explained: Explained, room: int, worded: Worded) -> list[Line]:
    lines: list[Line] = []
    for reason in explained.reasons:
        lines += [[Cell(line)] for line in folded(one_line(reason.what), room)]
        remedy = one_line(worded(reason.remedies))
        for place, line in enumerate(folded(remedy, room - 2)):
            lines.append([Cell(f"{'  ' if place else '→ '}{line}", "work")])
    return lines


def _moment(seen: OneJob) -> datetime:
    """Now, by the database's clock."""
    due = seen.explained.job.due_in_seconds
    return datetime.fromtimestamp(seen.shown.job.run_at.timestamp() - due, tz=seen.shown.job.run_at.tzinfo)


def _facts(job: WholeJob, room: int) -> list[Line]:
    values = {
        "progress": progress_text(job.progress),
        "error": job.error_message if job.status != "completed" else None,
        "worker": job.worker,
        "priority": job.priority or None,
        "unique key": job.unique_key,
        "concurrency key": job.concurrency_key,
        "parent": job.parent_id,
        "timeout": None if job.timeout_seconds is None else f"{job.timeout_seconds} s",
        "crashes": job.crashes or None,
    }
    lines: list[Line] = []
    for name, value in values.items():
        if value:
            first, *more = folded(one_line(str(value)), room - 17) or [""]
            lines += [[Cell(f"{name:17}", "dim"), Cell(first)], *([Cell(f"{'':17}{text}")] for text in more)]
    return lines


def _said(said: Sequence[Said], room: int) -> list[Line]:
    text = "\n".join(piece.text.rstrip("\n") for piece in said)
    lines = text.splitlines()
    if not lines:
        return []
    heading = "said" if len(lines) <= _LINES else f"said, the last {_LINES} of {len(lines):,} lines"
    return _block(heading, "\n".join(lines[-_LINES:]), room)


def _json(name: str, value: msgspec.Raw | None, room: int) -> list[Line]:
    if value is None:
        return []
    text = bytes(value).decode()
    is_readable = room < len(text) <= _FORMATTED
    return _block(name, msgspec.json.format(text, indent=2) if is_readable else text, room)


def _block(heading: str, text: str, room: int) -> list[Line]:
    """A text of many lines below its name, not endless."""
    cut = text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]} …"
    lines: list[Line] = [[], [Cell(heading, "dim")]]
    for line in printable(cut).splitlines():
        lines += [[Cell(part)] for part in textwrap.wrap(line, room, drop_whitespace=False) or [""]]
    return lines
