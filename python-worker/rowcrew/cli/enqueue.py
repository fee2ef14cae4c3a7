"""`rowcrew enqueue`: one job from a terminal or a script, and its end if asked for.

In: a type, a payload and the options of a job. Out: the id, or with --wait the result. Options that are not
given come from the type's row in `job_types`, then from the table's defaults.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cyclopts import Parameter

from rowcrew import client
from rowcrew.admin import jobs, queues
from rowcrew.cli import FAILURE, SUCCESS, UsageError
from rowcrew.cli.asking import ask
from rowcrew.cli.feeds import enqueue_feed
from rowcrew.cli.job_options import NO_OPTIONS, JobOptions, seconds
from rowcrew.cli.jobs import document
from rowcrew.cli.options import AsJson, read_settings
from rowcrew.cli.output import print_document, progress_text
from rowcrew.model.errors import RowcrewError
from rowcrew.model.job_status import JobStatus
from rowcrew.model.new_job import PAYLOAD_DEPTH, NewJob
from rowcrew.model.terminal_text import one_line
from rowcrew.table.link import Link

NOT_ENDED: Final = 3

_FIRST_LOOK_SECONDS: Final = 0.05
_LONGEST_LOOK_SECONDS: Final = 1.0


def enqueue(
    type: str,
    content: Annotated[str | None, Parameter(name="PAYLOAD", allow_leading_hyphen=True)] = None,
    /,
    *,
    payload: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    feed: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    options: JobOptions = NO_OPTIONS,
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
    feed
        A file that holds many jobs, in a form that the type knows; - reads standard input.
    wait
        Wait until the job has ended.
    wait_seconds
        Wait, but no longer than this: 90, 90s, 5m.
    """
    if content is not None and payload is not None:
        raise UsageError("the payload stands there twice; give it once")
    longest_seconds = seconds("--wait-seconds", wait_seconds)
    if feed is not None:
        if content or payload or wait or wait_seconds:
            raise UsageError(
                "--feed has the payloads, and nobody waits for so many jobs; leave the others out"
            )
        return enqueue_feed(type, feed, options, as_json=json)
    job = options.new_job(type, _payload(content or payload or "{}"))

    async def enqueued_and_awaited(link: Link) -> int:
        enqueued = await _enqueue(link, job)
        if not wait and longest_seconds is None:
            _tell(enqueued, as_json=json)
            return SUCCESS
        _note(f"{'Enqueued' if enqueued.created else 'Waiting for the live'} job {enqueued.id}")
        status = await _wait(link, enqueued.id, longest_seconds)
        if json and (shown := await jobs.show_job(link, enqueued.id)) is not None:
            print_document(document(shown))
        return _end(status, as_json=json)

    return ask(read_settings(), enqueued_and_awaited)


async def _enqueue(link: Link, job: NewJob) -> client.Enqueued:
    """Enqueue, with a word when no worker may ever take the job."""
    meant = await queues.meant_type(link, job.type)
    enqueued = await client.enqueue_async(job, on=link)
    if meant is not None:
        _note(f"No worker has published the type {job.type!r} yet: the job waits until one does{meant}")
    return enqueued


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
