"""Which trace new jobs belong to: that of the span that is current where they are enqueued.

In: jobs to enqueue. Out: the same, with a `traceparent`. Nothing happens in a program that has not imported
OpenTelemetry itself, and nothing is imported. Called by producers and by runners, for children.
"""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from rowcrew.model.new_job import NewJob

SYSTEM: Final = "postgresql"

_HEADER: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<more>-[!-~]{0,199})?"
)


def well_formed(header: str | None) -> str | None:
    """A header `traceparent` as it came, or None: a malformed one must not fail the request it came with."""
    found = _HEADER.fullmatch(header or "")
    # What later versions append is theirs, as far as the column has room; version 00 ends with its flags.
    return header if found and not (found["more"] and found[0].startswith("00")) else None


def traced(job: NewJob) -> NewJob:
    """The job in the trace of the current span, if there is one and the job names no other."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None or job.traceparent is not None:
        return job
    context = api.get_current_span().get_span_context()
    if not context.is_valid:
        return job
    copied = copy.copy(job)  # `replace` would check the payload once more
    msgspec.structs.force_setattr(copied, "traceparent", _text(context))
    return copied


@contextmanager
def sending(jobs: list[NewJob]) -> Iterator[list[NewJob]]:
    """A producer's span around the INSERT, and the jobs that belong to it."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None or not jobs:
        yield jobs
        return
    started = api.get_tracer("rowcrew").start_as_current_span(
        f"send {_shared(job.type for job in jobs)}",
        kind=api.SpanKind.PRODUCER,
        attributes=_attributes(jobs),
        record_exception=False,  # its text may have rows in it
        set_status_on_exception=False,
    )
    with started as span:
        try:
            yield [traced(job) for job in jobs]
        except Exception as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(api.StatusCode.ERROR)
            raise


def _attributes(jobs: list[NewJob]) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "messaging.system": SYSTEM,
        "messaging.operation.type": "send",
        "messaging.operation.name": "send",
        "messaging.destination.name": _shared(job.queue or "default" for job in jobs),
        "rowcrew.job.type": _shared(job.type for job in jobs),
    }
    if len(jobs) > 1:
        attributes["messaging.batch.message_count"] = len(jobs)
    return attributes


def _shared(words: Iterable[str]) -> str:
    several = set(words)
    return several.pop() if len(several) == 1 else "jobs"


def _text(context: Any) -> str:
    """A span as the header of W3C Trace Context."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
