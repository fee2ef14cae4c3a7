"""`rowcrew jobs list|show|tree|logs|cancel|requeue|delete`: what psql could do too, with fewer keys."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Final

from cyclopts import App, Parameter
from cyclopts.validators import Number

from rowcrew.admin import jobs as admin
from rowcrew.admin.tree import PlacedJob
from rowcrew.admin.tree import tree as family_tree
from rowcrew.cli import UsageError
from rowcrew.cli.asking import ask, ask_of_job
from rowcrew.cli.changing import NO_OPTIONS, Ids, Wanted, change_jobs, change_trees
from rowcrew.cli.job_logs import logs
from rowcrew.cli.options import AsJson, Queues, job_id, read_settings
from rowcrew.cli.output import (
    columns,
    memory,
    print_document,
    print_documents,
    print_fields,
    progress_text,
)
from rowcrew.cli.tables import print_table
from rowcrew.model.duration import duration
from rowcrew.model.status import ENDED, Status
from rowcrew.model.terminal_text import printable
from rowcrew.model.tree import branches
from rowcrew.table.link import Link
from rowcrew.table.rows import Attempt, ListedJob

LIST_COLUMNS = ("id", "type", "queue", "status", "tries", "age", "took", "worker", "news")
TREE_COLUMNS = ("id", "job", "queue", "status", "tries", "took", "news")
ATTEMPT_COLUMNS = ("attempt", "outcome", "startedAt", "took", "worker", "memory", "error")

_SHRINK: Final = ("type", "queue", "worker")
_LOOK_SECONDS: Final = 2.0
_CLEAR: Final = "\x1b[H\x1b[2J\x1b[3J"

jobs = App(name="jobs", help="List, show, cancel, requeue and delete jobs.")
jobs.command(logs)


@jobs.command(name="list")
def list_jobs(
    *,
    status: Annotated[list[Status] | None, Parameter(help="Only this status; repeatable.")] = None,
    type: Annotated[list[str] | None, Parameter(help="Only this type; repeatable.")] = None,
    queue: Queues = None,
    limit: Annotated[int, Parameter(validator=Number(gte=1, lte=1_000_000), help="At most so many.")] = 20,
    watch: Annotated[bool, Parameter(help="Look again every two seconds, until Ctrl-C.")] = False,
    json: AsJson = False,
) -> None:
    """List the newest jobs, newest first: how old, how long the last run took, on which worker.

    A terminal shows progress and errors below their job; a pipe gets one line a job.
    """
    if watch and (json or not sys.stdout.isatty()):
        raise UsageError("--watch is for a terminal, and for tables")

    async def listed(link: Link) -> list[ListedJob]:
        return await admin.list_jobs(link, statuses=status, types=type, queues=queue, limit=limit)

    if watch:
        with suppress(KeyboardInterrupt):
            ask(read_settings(), lambda link: _watch(link, listed))
    elif json:
        print_documents(ask(read_settings(), listed))
    else:
        _print_jobs(ask(read_settings(), listed))


@jobs.command
def show(id: str, /, *, json: AsJson = False) -> None:
    """Show a job: all columns, and the errors and tracebacks of its attempts.

    Parameters
    ----------
    id
        Id of the job.
    """
    wanted = job_id(id)
    shown = ask(read_settings(), lambda link: ask_of_job(link, wanted, admin.show_job))
    if json:
        print_document(document(shown))
        return
    print_fields(columns(shown.job))
    if shown.attempts:
        print(f"\nAttempts that did not complete: {len(shown.attempts)}")
        print_table(
            [_attempt(attempt) for attempt in shown.attempts],
            ATTEMPT_COLUMNS,
            shrink=("worker",),
            below="error",
        )
    for attempt in shown.attempts:
        if attempt.traceback:
            print(f"\nTraceback of attempt {attempt.attempt}:\n{printable(attempt.traceback).rstrip()}")


@jobs.command
def cancel(*ids: Ids, wanted: Wanted = NO_OPTIONS) -> int:
    """Cancel jobs, by their ids or by a filter: queued ones never start, running ones are stopped.

    A filter counts first, and asks. Exit 1 if one of them was not cancelled.
    """
    if wanted.tree:
        return change_trees("cancel", ids, wanted)
    return change_jobs("cancel", ids, wanted)


@jobs.command
def requeue(
    *ids: Ids,
    failed: Annotated[
        bool, Parameter(negative="", help="Of trees only what failed, and what failed with it.")
    ] = False,
    wanted: Wanted = NO_OPTIONS,
) -> int:
    """Run ended jobs again with all their attempts, by their ids or by a filter.

    A filter counts first, and asks; it takes failed jobs unless --status says
    otherwise. Exit 1 if one of them was not requeued.
    """
    if wanted.tree:
        return change_trees("requeue", ids, wanted, failed=failed)
    if failed:
        raise UsageError("--failed belongs to --tree; a filter takes --status failed")
    return change_jobs("requeue", ids, wanted)


@jobs.command
def delete(*ids: Ids, wanted: Wanted = NO_OPTIONS) -> int:
    """Delete ended jobs with their attempts, by their ids or by a filter.

    A filter counts first, and asks. Exit 1 if one of them was not deleted.
    """
    if wanted.tree:
        raise UsageError("a tree is not deleted at once: name its jobs, or let workers prune them")
    return change_jobs("delete", ids, wanted)


@jobs.command
def tree(
    id: str,
    /,
    *,
    limit: Annotated[int, Parameter(validator=Number(gte=1, lte=1_000_000), help="At most so many.")] = 100,
    json: AsJson = False,
) -> None:
    """Show a job's whole family: its ancestors, all children, and what waits for one of them.

    Parameters
    ----------
    id
        Id of a job of the family.
    """
    wanted = job_id(id)
    # One more than is shown tells whether there are more.
    found = ask(read_settings(), lambda link: ask_of_job(link, wanted, partial(family_tree, limit=limit + 1)))
    shown = found.members[:limit]
    if json:
        print_documents({"depth": placed.place.depth, **columns(placed.job)} for placed in shown)
        return
    drawn = branches([placed.place for placed in shown])
    rows = [_in_tree(placed, branch) for placed, branch in zip(shown, drawn, strict=True)]
    print_table(rows, TREE_COLUMNS, shrink=("job",), below="news")
    if len(found.members) > limit:
        print(f"There are more than {limit}: show them with --limit.", file=sys.stderr)


def document(shown: admin.ShownJob) -> dict[str, Any]:
    """A job as JSON: its columns, and under the other table's name its attempts."""
    return {**columns(shown.job), "job_attempts": shown.attempts}


async def _watch(link: Link, listed: Callable[[Link], Awaitable[list[ListedJob]]]) -> None:
    while True:
        rows = await listed(link)
        print(_CLEAR, end="")
        _print_jobs(rows)
        sys.stdout.flush()
        await asyncio.sleep(_LOOK_SECONDS)


def _print_jobs(rows: list[ListedJob]) -> None:
    if rows:
        print_table([_summary(row) for row in rows], LIST_COLUMNS, shrink=_SHRINK, below="news")
    else:
        print("There are no such jobs; enqueue one with `rowcrew enqueue`.", file=sys.stderr)


def _summary(row: ListedJob) -> dict[str, Any]:
    progress = None if row.status == "completed" else progress_text(row.progress)
    told = (row.error_message or progress) if row.status in ENDED else (progress or row.error_message)
    return {
        **columns(row),
        "tries": f"{row.attempts}/{row.max_attempts}",
        "age": duration(row.age_seconds),
        "took": None if row.run_seconds is None else duration(row.run_seconds),
        "news": told,
    }


def _in_tree(placed: PlacedJob, branch: str) -> dict[str, Any]:
    job = placed.job
    waits = [f"waits for {_listed(job.waits_for)}"] if job.waits else []
    return {
        **columns(job),
        "job": branch + job.type,
        "tries": f"{job.attempts}/{job.max_attempts}",
        "took": None if job.run_seconds is None else duration(job.run_seconds),
        "news": "; ".join([*waits, *([job.error_message] if job.error_message else [])]) or None,
    }


def _listed(ids: list[int]) -> str:
    """The latest ids, which will rather end last."""
    others = f" (and {len(ids) - 3} more)" if len(ids) > 3 else ""
    return ", ".join(map(str, sorted(ids, reverse=True)[:3])) + others


def _attempt(attempt: Attempt) -> dict[str, Any]:
    began, ended = attempt.started_at, attempt.finished_at
    return {
        **columns(attempt),
        "took": None if began is None else duration((ended - began).total_seconds()),
        "memory": memory(attempt.memory_bytes),
    }
