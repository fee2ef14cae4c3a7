"""`rowcrew jobs logs`: what the handlers of a job logged and printed, as workers have stored it."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Annotated, Final, NamedTuple

from cyclopts import Parameter
from cyclopts.validators import Number

from rowcrew.admin import jobs as admin
from rowcrew.cli import UsageError
from rowcrew.cli.asking import ask, ask_of_job
from rowcrew.cli.options import AsJson, job_id, read_settings
from rowcrew.cli.output import print_documents
from rowcrew.model.counting import counted
from rowcrew.model.terminal_text import printable
from rowcrew.table.link import Link
from rowcrew.table.rows import Said

_LOOK_SECONDS: Final = 0.5
_LAST_WORDS_SECONDS: Final = 3.0
"""A run's last lines are stored a little after its end."""


class Line(NamedTuple):
    """One line to show; without words it tells how many are not there."""

    said: Said
    text: str | None


def logs(
    id: str,
    /,
    *,
    lines: Annotated[int, Parameter(validator=Number(gte=0, lte=1_000_000))] = 100,
    follow: bool = False,
    raw: bool = False,
    json: AsJson = False,
) -> None:
    """Show what the handlers of a job logged and printed, the last lines.

    Each line has the number of its attempt and the time to about a second. Of a
    job that says much the first and the last lines are kept, JOB_LOG_SIZE in all.

    Parameters
    ----------
    id
        Id of the job.
    lines
        At most so many.
    follow
        Go on with what comes, until the job has ended or Ctrl-C.
    raw
        The lines alone, as they were said.
    """
    if json and (follow or raw):
        raise UsageError("--json is for what is stored by now, as it is stored")
    wanted = job_id(id)

    async def shown(link: Link) -> None:
        said = await ask_of_job(link, wanted, admin.job_lines)
        if json:
            print_documents(said)
            return
        _print(_last(_lines(said), lines), raw=raw)
        if follow:
            await _follow(link, wanted, said[-1].id if said else 0, raw=raw)
        elif not said:
            print("Nothing is stored of what this job said, if it said anything.", file=sys.stderr)

    with suppress(KeyboardInterrupt):
        ask(read_settings(), shown)


async def _follow(link: Link, id: int, after: int, *, raw: bool) -> None:
    left_seconds = _LAST_WORDS_SECONDS
    while left_seconds > 0:
        ended = await admin.has_ended(link, id)
        said = await admin.job_lines(link, id, after) or []
        _print(_lines(said), raw=raw)
        after = said[-1].id if said else after
        left_seconds = left_seconds - _LOOK_SECONDS if ended else _LAST_WORDS_SECONDS
        await asyncio.sleep(_LOOK_SECONDS)


def _lines(said: Iterable[Said]) -> Iterator[Line]:
    for some in said:
        if some.dropped:
            yield Line(some, None)
        if some.lines:
            yield from (Line(some, text) for text in some.text.split("\n"))


def _last(lines: Iterable[Line], count: int) -> Iterable[Line]:
    return deque(lines, maxlen=count)


def _print(lines: Iterable[Line], *, raw: bool) -> None:
    for said, text in lines:
        if text is None:
            print(f"… {counted(said.dropped, 'line')} not kept", file=sys.stderr if raw else sys.stdout)
        elif raw:
            print(text)
        else:
            print(f"[{said.attempt}] {said.written_at.astimezone():%H:%M:%S} {printable(text)}")
    sys.stdout.flush()
