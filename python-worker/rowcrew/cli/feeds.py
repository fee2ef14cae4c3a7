"""`rowcrew enqueue TYPE --feed FILE`: many jobs from one file, in a form that the type's family knows.

In: a type, a file and the options of jobs, which win over what the file says. Out: how many jobs are new. All
are enqueued in one commit, or none. Called by `rowcrew enqueue` and `rowcrew demo jobs`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import cast

import msgspec

from rowcrew import client, family
from rowcrew.cli import SUCCESS, UsageError
from rowcrew.cli.asking import ask
from rowcrew.cli.job_options import JobOptions
from rowcrew.cli.options import read_settings
from rowcrew.cli.output import print_document
from rowcrew.model.new_job import NewJob
from rowcrew.table.link import Link


def enqueue_feed(type: str, file: str, options: JobOptions, *, as_json: bool) -> int:
    """Enqueue the jobs that the file holds, and tell how many are new."""
    if options.unique_key is not None:
        raise UsageError("--unique-key is one for all; the jobs of a feed have keys of their own")
    return enqueue_all(
        [_with_options(job, options) for job in _reader(type)(_content(file))], as_json=as_json
    )


def enqueue_all(jobs: Sequence[NewJob], *, as_json: bool) -> int:
    """Enqueue jobs in one commit, and tell how many are new."""

    async def enqueued(link: Link) -> list[client.Enqueued]:
        return await client.enqueue_many_async(jobs, on=link)

    answers = ask(read_settings(), enqueued) if jobs else []
    if as_json:
        print_document([answer._asdict() for answer in answers])
    else:
        print(_told(answers))
    return SUCCESS


def _reader(type: str) -> Callable[[bytes], Iterable[NewJob]]:
    feed = family.feed_of(type)
    if feed is None:
        known = ", ".join(sorted(each.type for one in family.installed() for each in one.feeds)) or "none"
        raise UsageError(f"no installed family reads feeds of the type {type!r}; types with feeds: {known}")
    module, _, name = feed.jobs_of.partition(":")
    return cast("Callable[[bytes], Iterable[NewJob]]", getattr(importlib.import_module(module), name))


def _content(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"--feed {file}: {error.strerror}") from error


def _with_options(job: NewJob, options: JobOptions) -> NewJob:
    given = options.new_job(job.type, {})
    names = (name for name in NewJob.__struct_fields__ if name not in ("type", "payload"))
    changes = {name: value for name in names if (value := getattr(given, name)) is not None}
    return msgspec.structs.replace(job, **changes)


def _told(answers: list[client.Enqueued]) -> str:
    created = sum(answer.created for answer in answers)
    known = len(answers) - created
    jobs = "1 job" if created == 1 else f"{created} jobs"
    return f"Enqueued {jobs}" + (f"; {known} more are live already" if known else "")
