"""`rowcrew jobs list|show|cancel|requeue`: what psql could do too, with fewer keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from rowcrew.cli import FAILURE, SUCCESS, UsageError
from rowcrew.cli.options import AsJson, Queues, job_id, read_settings
from rowcrew.cli.output import (
    one_line,
    print_document,
    print_documents,
    print_fields,
    print_table,
    printable,
    progress_text,
)
from rowcrew.model.errors import RowcrewError
from rowcrew.table import console

Status = Literal["queued", "processing", "completed", "failed", "cancelled"]
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
    with console.connected(read_settings()) as connection:
        rows = console.list_jobs(connection, statuses=status, types=type, queues=queue, limit=limit)
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
    job = find_job(job_id(id))
    if json:
        print_document(job)
        return
    attempts = job.pop("job_attempts")
    print_fields(job)
    if attempts:
        print(f"\nAttempts that did not complete: {len(attempts)}")
        print_table(attempts, ATTEMPT_COLUMNS)
    for attempt in attempts:
        if attempt["traceback"]:
            print(f"\nTraceback of attempt {attempt['attempt']}:\n{printable(attempt['traceback']).rstrip()}")


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


def find_job(id: int) -> dict[str, Any]:
    """A job with every column.

    Raises:
        RowcrewError: there is no such job.
    """
    with console.connected(read_settings()) as connection:
        job = console.show_job(connection, id)
    if job is None:
        raise RowcrewError(f"there is no job {id}; ended jobs are deleted after some time")
    return job


def _change(change: console.Change, ids: tuple[str, ...], json: bool) -> int:
    if not ids:
        raise UsageError(f"name the jobs to {change} by their ids")
    wanted = [job_id(text) for text in ids]
    with console.connected(read_settings()) as connection:
        answers = console.change_jobs(connection, change, wanted)
    if json:
        print_documents(answers)
    else:
        for answer in answers:
            print(f"Job {answer['id']}: {_answer(change, answer)}")
    return SUCCESS if all(answer["changed"] for answer in answers) else FAILURE


def _answer(change: console.Change, answer: Mapping[str, Any]) -> str:
    match answer:
        case {"changed": True}:
            return "cancelled" if change == "cancel" else "queued again"
        case {"status": None}:
            return "there is no such job"
        case {"status": "completed" | "failed" | "cancelled", "liveId": int(live)} if change == "requeue":
            return f"left {answer['status']}, because job {live} with the same unique key is live"
        case {"status": "processing"} if change == "requeue":
            return "left as it is, because it is processing; cancel it first"
    return f"left as it is, because it is {answer['status']} already"


def _summary(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "attempts": f"{row['attempts']}/{row['maxAttempts']}",
        "progress": progress_text(row["progress"]),
        "error": one_line(row["errorMessage"] or ""),
    }
