"""`rowcrew queues`: how the queues stand and do, and what is set for them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from cyclopts import App

from rowcrew.admin import queues as admin
from rowcrew.admin.pace import ended_per_minute, paces
from rowcrew.cli.asking import ask
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import columns, print_document, print_documents, print_fields
from rowcrew.cli.paces import print_paces
from rowcrew.cli.queue_options import NOTHING, ForSeconds, MayBeNew, Wanted, duration_given, queue_name
from rowcrew.cli.tables import print_table
from rowcrew.model import queue_columns
from rowcrew.model.duration import duration
from rowcrew.model.errors import RowcrewError
from rowcrew.model.pace import Pace, drain_seconds
from rowcrew.model.status import ENDED, LIVE
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedQueue, ShownQueue

LIST_COLUMNS = ("queue", *LIVE, "ready", "oldest", "workers", "slots", "ended")

queues = App(name="queues", help="How the queues stand and do, and what is set for them.")


@queues.default
@queues.command(name="list")
def list_queues(*, json: AsJson = False) -> None:
    """List the queues: jobs by status, how many are ready and how long the oldest has been, who serves them.

    workers tells how many live workers serve the queue, of those that it may
    have; slots, how many of their slots have a job, of whatever queue. Ended
    jobs are counted too, which takes time in a table of millions.
    """
    rows, rates = ask(read_settings(), _listed)
    if json:
        print_documents({**columns(row), "endedPerMinute": rates.get(row.queue, 0.0)} for row in rows)
    elif rows:
        print_table([_summary(row) for row in rows], LIST_COLUMNS, shrink=("queue",), below="ended")
    else:
        print("There are no jobs and no workers yet; enqueue one with `rowcrew enqueue`.", file=sys.stderr)


@queues.command
def show(queue: str, /, *, json: AsJson = False) -> None:
    """Show a queue: what waits and runs, when it is drained, its limits, how its jobs do.

    Rates and times are what workers have counted, and are a minute behind. It
    reads no ended job.

    Parameters
    ----------
    queue
        As in the column jobs.queue.
    """
    shown, found = ask(read_settings(), lambda link: _shown(link, queue))
    until_drained = drain_seconds(shown.ready, found[0])
    if json:
        print_document({**columns(shown), "drainSeconds": until_drained, "within": found})
        return
    print_fields(_standing(shown, found[0], until_drained))
    print()
    print_paces(found)


@queues.command(name="set")
def set_columns(queue: str, /, *, wanted: Wanted = NOTHING) -> None:
    """Set what holds for a queue; `none` takes a value away. Workers heed it at once, without a restart.

    Parameters
    ----------
    queue
        The queue; it gets a row if it has none.
    """
    _change(queue, wanted.columns(), wanted.seconds, may_be_new=True)


@queues.command
def pause(queue: str, /, *, seconds: ForSeconds = None, new: MayBeNew = False) -> None:
    """Let no further job of a queue start; those that run go on.

    A queue that nobody has named yet is refused: its name may be mistyped.

    Parameters
    ----------
    queue
        As in the column jobs.queue.
    """
    _change(queue, {"paused": True}, seconds, may_be_new=new)


@queues.command
def resume(queue: str, /) -> None:
    """Let the jobs of a paused queue start again.

    Parameters
    ----------
    queue
        As in the column jobs.queue.
    """
    _change(queue, {"paused": False}, None, may_be_new=False)


async def _listed(link: Link) -> tuple[list[ListedQueue], dict[str, float]]:
    return await admin.list_queues(link), await ended_per_minute(link)


async def _shown(link: Link, queue: str) -> tuple[ShownQueue, list[Pace]]:
    row = await admin.show_queue(link, queue)
    if row is None:
        meant = await admin.meant_queue(link, queue)
        raise RowcrewError(f"nobody has named a queue {queue!r}; see `rowcrew queues list`{meant}")
    return row, await paces(link, queue=queue)


def _change(queue: str, changes: Mapping[str, Any], seconds: str | None, *, may_be_new: bool) -> None:
    """Change the row, and tell what is set now, and whether anybody has named the queue before."""
    name, for_seconds = queue_name(queue), duration_given(seconds)

    async def changed(link: Link) -> tuple[ShownQueue | None, str | None]:
        is_new = await admin.show_queue(link, name) is None
        meant = await admin.meant_queue(link, name) if is_new else None
        if is_new and not may_be_new:
            raise RowcrewError(
                f"nothing was changed: nobody has named a queue {name!r} yet"
                f" (see `rowcrew queues list`; `pause` takes --new){meant}"
            )
        await admin.set_queue(link, name, changes, seconds=for_seconds)
        return await admin.show_queue(link, name), meant

    row, meant = ask(read_settings(), changed)
    assert row is not None
    print(f"Queue {name}: {', '.join(_set(row)) or 'no limits'}")
    if meant is not None:
        print(f"rowcrew: nobody had named a queue {name!r} before{meant}", file=sys.stderr)


def _summary(row: ListedQueue) -> dict[str, Any]:
    wait = row.oldest_wait_seconds
    return {
        **columns(row),
        "oldest": None if wait is None else " ".join(duration(wait).split()[:2]),
        "workers": row.workers if row.workers_allowed is None else f"{row.workers}/{row.workers_allowed}",
        "slots": f"{row.slots_taken}/{row.slots}",
        "ended": ", ".join(f"{count} {status}" for status in ENDED if (count := getattr(row, status)))
        or None,
    }


def _standing(row: ShownQueue, recent: Pace, until_drained: float | None) -> dict[str, Any]:
    """The lines of `queues show`; what is not set is left out."""
    oldest = (
        "" if row.oldest_wait_seconds is None else f", the oldest for {duration(row.oldest_wait_seconds)}"
    )
    return {
        "queue": row.queue,
        **({} if row.label is None else {"label": row.label}),
        "ready": f"{row.ready}{oldest}",
        "delayed": row.delayed,
        "processing": row.processing,
        "drained": _when_drained(row, recent, until_drained),
        "workers": f"{row.workers} live, {row.slots_taken} of {row.slots} slots taken",
        "limits": "\n".join(_set(row)) or "none",
    }


def _when_drained(row: ShownQueue, recent: Pace, seconds: float | None) -> str:
    if not row.ready:
        return "now: nothing is ready"
    if row.paused:
        return "never: it is paused"
    if seconds is None:
        return "never: no end of the last five minutes is counted yet"
    return f"in {duration(seconds)}, at {recent.ended_per_minute:.1f} a minute and if nothing is added"


def _set(row: ShownQueue) -> list[str]:
    """What is set, by the names of the columns."""
    values = columns(row)
    told = ["paused"] if row.paused else []
    for column, allowed in queue_columns.NUMBERS.items():
        if values[column] != allowed.otherwise:
            told.append(f"{column} {values[column]}")
    told += [f"{column} {values[column]}" for column in ("launcher", "launchCommand") if values[column]]
    if row.until is not None:
        told.append(f"until {row.until.astimezone():%Y-%m-%d %H:%M:%S}")
    return told
