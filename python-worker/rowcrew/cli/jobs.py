"""`rowcrew jobs list|show|cancel|requeue`: what psql could do too, with fewer keys."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from rowcrew.admin import jobs as admin
from rowcrew.cli import FAILURE, SUCCESS, UsageError
from rowcrew.cli.asking import ask, ask_of_job
from rowcrew.cli.options import AsJson, Queues, job_id, read_settings
from rowcrew.cli.output import (
    columns,
    print_document,
    print_documents,
    print_fields,
    print_table,
    printable,
    progress_text,
)
from rowcrew.model.status import ENDED, Status
from rowcrew.table.rows import ListedJob

Ids = Annotated[str, Parameter(name="ID", help="Ids of jobs.")]

LIST_COLUMNS = (
    "id",
    "type",
    "queue",
    "status",
    "priority",
    "attempts",
    "createdAt",
    "progress",
    "errorMessage",
)
ATTEMPT_COLUMNS = ("attempt", "outcome", "startedAt", "finishedAt", "worker", "memoryBytes", "error")

jobs = App(name="jobs", help="List, show, cancel and requeue jobs.")


@jobs.command(name="list")
def list_jobs(
    *,
    status: Annotated[list[Status] | None, Parameter(help="Only this status; repeatable.")] = None,
    type: Annotated[list[str] | None, Parameter(help="Only this type; repeatable.")] = None,
    queue: Queues = None,
    limit: Annotated[int, Parameter(validator=Number(gte=1, lte=1_000_000), help="At most so many.")] = 20,
    json: AsJson = False,
) -> None:
    """List the newest jobs, newest first."""
    rows = ask(
        read_settings(),
        lambda link: admin.list_jobs(link, statuses=status, types=type, queues=queue, limit=limit),
    )
    if json:
        print_documents(rows)
    else:
        print_table([_summary(row) for row in rows], LIST_COLUMNS)


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
        print_table([columns(attempt) for attempt in shown.attempts], ATTEMPT_COLUMNS)
    for attempt in shown.attempts:
        if attempt.traceback:
            print(f"\nTraceback of attempt {attempt.attempt}:\n{printable(attempt.traceback).rstrip()}")


@jobs.command
def cancel(*ids: Ids, json: AsJson = False) -> int:
    """Cancel jobs: queued ones never start, running ones are stopped.

    Exit 1 if one of them was not cancelled.
    """
    return _change("cancel", ids, json)


@jobs.command
def requeue(*ids: Ids, json: AsJson = False) -> int:
    """Run ended jobs again, with all their attempts.

    Exit 1 if one of them was not requeued.
    """
    return _change("requeue", ids, json)


def document(shown: admin.ShownJob) -> dict[str, Any]:
    """A job as JSON: its columns, and under the other table's name its attempts."""
    return {**columns(shown.job), "job_attempts": shown.attempts}


def _change(change: admin.Change, ids: tuple[str, ...], json: bool) -> int:
    if not ids:
        raise UsageError(f"name the jobs to {change} by their ids")
    wanted = [job_id(text) for text in ids]
    answers = ask(read_settings(), lambda link: admin.change_jobs(link, change, wanted))
    if json:
        print_documents(answers)
    else:
        for answer in answers:
            print(f"Job {answer.id}: {_worded(change, answer)}")
    return SUCCESS if all(answer.changed for answer in answers) else FAILURE


def _worded(change: admin.Change, answer: admin.Answer) -> str:
    if answer.changed:
        return "cancelled" if change == "cancel" else "queued again"
    if answer.status is None:
        return "there is no such job"
    if change == "requeue" and answer.status in ENDED and answer.live_id is not None:
        return f"left {answer.status}, because job {answer.live_id} with the same unique key is live"
    if change == "requeue" and answer.status == "processing":
        return "left as it is, because it is processing; cancel it first"
    return f"left as it is, because it is {answer.status} already"


def _summary(row: ListedJob) -> dict[str, Any]:
    return {
        **columns(row),
        "attempts": f"{row.attempts}/{row.max_attempts}",
        "progress": progress_text(row.progress),
    }
