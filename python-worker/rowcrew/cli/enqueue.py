"""`rowcrew enqueue`: one job from a terminal or a script, and its end if asked for.

In: a type, a payload and the options of a job. Out: the id, or with --wait the result. Options that are not
given come from the type's row in `job_types`, then from the table's defaults.
"""

from __future__ import annotations

import asyncio
import math
import re
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import Parameter

from rowcrew import client
from rowcrew.admin import jobs, queues
from rowcrew.cli import FAILURE, SUCCESS, UsageError
from rowcrew.cli.asking import ask
from rowcrew.cli.jobs import document
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import one_line, print_document, progress_text
from rowcrew.model.errors import InvalidJob, RowcrewError
from rowcrew.model.job_status import JobStatus
from rowcrew.model.new_job import PAYLOAD_DEPTH, NewJob
from rowcrew.settings import readers
from rowcrew.table.link import Link

NOT_ENDED: Final = 3

_FIRST_LOOK_SECONDS: Final = 0.05
_LONGEST_LOOK_SECONDS: Final = 1.0
_PARTS: Final = re.compile(r"\d+(?:\.\d+)?[smhd]")
_OPTIONS: Final = {"type": "TYPE", "run_at": "--run-at or --in", "timeout_seconds": "--timeout"}


def enqueue(
    type: str,
    content: Annotated[str | None, Parameter(name="PAYLOAD", allow_leading_hyphen=True)] = None,
    /,
    *,
    payload: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    queue: str | None = None,
    priority: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    run_at: datetime | None = None,
    delay: Annotated[str | None, Parameter(name="--in", allow_leading_hyphen=True)] = None,
    max_attempts: int | None = None,
    timeout: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    unique_key: str | None = None,
    concurrency_key: str | None = None,
    wait: bool = False,
    wait_seconds: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    json: AsJson = False,
) -> int:
    """Enqueue a job, and wait for its end if asked.

    With --wait progress goes to standard error and the result, as JSON, to
    standard output. Exit codes: 0 enqueued, or with --wait completed; 1 failed
    or cancelled; 2 the job is not valid; 3 --wait-seconds are over, the job
    goes on.

    Parameters
    ----------
    type
        Which handler runs it, as in jobs.type.
    content
        The handler's input, a JSON object; @FILE reads a file, - reads standard input.
    payload
        The same, as an option.
    queue
        The line it waits in.
    priority
        urgent, high, normal, low or a whole number; larger runs first.
    run_at
        Not before this moment, with a time zone: 2030-01-31T09:00:00+00:00.
    delay
        Not before this time from now: 90s, 10m, 2h.
    max_attempts
        Runs allowed.
    timeout
        Limit of one run: 90, 90s, 5m, 2h.
    unique_key
        At most one live job of the type has it; if there is one, its id is the answer.
    concurrency_key
        A word that jobs share; nothing limits by it yet.
    wait
        Wait until the job has ended.
    wait_seconds
        Wait, but no longer than this: 90, 90s, 5m.
    """
    if run_at is not None and delay is not None:
        raise UsageError("--run-at and --in exclude each other; give one of them")
    if run_at is not None and run_at.utcoffset() is None:
        raise UsageError(f"--run-at {run_at.isoformat()} has no time zone; append one, such as +00:00")
    if content is not None and payload is not None:
        raise UsageError("the payload stands there twice; give it once")
    longest_seconds = _seconds("--wait-seconds", wait_seconds)
    given = {
        "queue": queue,
        "priority": int(priority) if priority and priority.lstrip("-").isdecimal() else priority,
        "run_at": run_at or (None if delay is None else timedelta(seconds=_seconds("--in", delay) or 0.0)),
        "max_attempts": max_attempts,
        "timeout_seconds": _whole_seconds("--timeout", timeout),
        "unique_key": unique_key,
        "concurrency_key": concurrency_key,
    }
    document_of_job = _payload(content or payload or "{}")

    async def enqueued_and_awaited(link: Link) -> int:
        enqueued = await _enqueue(link, type, document_of_job, given)
        if not wait and longest_seconds is None:
            _tell(enqueued, as_json=json)
            return SUCCESS
        _note(f"{'Enqueued' if enqueued.created else 'Waiting for the live'} job {enqueued.id}")
        status = await _wait(link, enqueued.id, longest_seconds)
        if json and (shown := await jobs.show_job(link, enqueued.id)) is not None:
            print_document(document(shown))
        return _end(status, as_json=json)

    return ask(read_settings(), enqueued_and_awaited)


async def _enqueue(link: Link, type: str, payload: Any, given: dict[str, Any]) -> client.Enqueued:
    """Enqueue, with a word when no worker may ever take the job."""
    published = await queues.show_type(link, type)
    enqueued = await client.enqueue_async(_new_job(type, payload, given), on=link)
    if published is None:
        _note(f"No worker has published the type {type!r} yet: the job waits until one does")
    return enqueued


def _seconds(option: str, text: str | None) -> float | None:
    """A length of time as settings take it, and beyond that 0 and sums such as 1h30m."""
    parts = _PARTS.findall(text) if text and re.fullmatch(f"(?:{_PARTS.pattern})+", text) else [text]
    try:
        return None if text is None else sum(map(readers.grace, parts))
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}") from error


def _whole_seconds(option: str, text: str | None) -> int | None:
    seconds = _seconds(option, text)
    return None if seconds is None else math.ceil(seconds)


def _payload(text: str) -> Any:
    try:
        if text == "-":
            source, content = "standard input", sys.stdin.buffer.read()
        elif text.startswith("@"):
            source, content = text[1:], Path(text[1:]).read_bytes()
        else:
            source, content = "the payload", text.encode("utf-8", "surrogateescape")
        return msgspec.json.decode(content)
    except OSError as error:
        raise UsageError(f"payload {text}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{source} is not JSON: {error}") from error
    except RecursionError:
        raise UsageError(f"{source} is nested deeper than {PAYLOAD_DEPTH} levels") from None


def _new_job(type: str, payload: Any, options: dict[str, Any]) -> NewJob:
    try:
        return NewJob(type, payload, **options)
    except InvalidJob as error:
        option = _OPTIONS.get(error.field, f"--{error.field.replace('_', '-')}")
        raise UsageError(f"{option}: {error.problem}") from error


def _tell(enqueued: client.Enqueued, *, as_json: bool) -> None:
    if as_json:
        print_document(enqueued._asdict())
    elif enqueued.created:
        print(f"Enqueued job {enqueued.id}")
    else:
        print(f"Job {enqueued.id} has this unique key already; nothing was enqueued")


async def _wait(link: Link, id: int, longest_seconds: float | None) -> JobStatus:
    """Look at the job, less and less often, until it has ended or the time is over; tell its changes."""
    end = None if longest_seconds is None else time.monotonic() + longest_seconds
    pause, told = _FIRST_LOOK_SECONDS, ""
    while True:
        job = await client.get_async(id, on=link)
        if job is None:
            raise RowcrewError(f"somebody deleted job {id} while this command waited for it")
        if (news := _news(job)) != told:
            _note(f"Job {id}: {news}")
            pause, told = _FIRST_LOOK_SECONDS, news
        if job.has_ended or (end is not None and time.monotonic() >= end):
            return job
        left = pause if end is None else max(0.0, end - time.monotonic())
        await asyncio.sleep(min(pause, left))
        pause = min(_LONGEST_LOOK_SECONDS, pause * 1.5)


def _news(job: JobStatus) -> str:
    progress = None if job.progress is None else msgspec.Raw(msgspec.json.encode(job.progress))
    return one_line(" ".join(filter(None, [job.status, progress_text(progress)])))


def _end(job: JobStatus, *, as_json: bool) -> int:
    match job.status:
        case "completed":
            if not as_json:
                print(msgspec.json.format(msgspec.json.encode(job.result), indent=2).decode())
            return SUCCESS
        case "failed" | "cancelled":
            _note(f"job {job.id} {job.status}: {one_line(job.error_message or 'no reason was given')}")
            return FAILURE
    _note(f"job {job.id} has not ended in time and goes on; see `rowcrew jobs show {job.id}`")
    return NOT_ENDED


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
