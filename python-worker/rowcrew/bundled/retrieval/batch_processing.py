"""The type `batch_processing`: many files become searchable, each by a job of its own.

In: the payload of a job. Out: how many files are searchable, and their jobs. The first run enqueues the
children and waits for them without a slot; the next one sums up. The children are committed before the run
ends, because each waits for another of them, whose id it must know: `batches` remembers them for a run that
comes after a crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from rowcrew import NewJob, enqueue_many
from rowcrew.bundled.retrieval.batches import Connection, children_of, keep_children
from rowcrew.bundled.retrieval.payload import BatchProcessing
from rowcrew.context import Context, Dependency, PermanentError
from rowcrew.crew import Crew

crew = Crew()


class BatchChild(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a file; `document_id` only if it is searchable."""

    job_id: int
    status: str | None
    document_id: int | None


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result; `failed` counts all that are not searchable, `children` are in the order of the files."""

    total: int
    completed: int
    failed: int
    children: list[BatchChild]


@crew.job("batch_processing", executor="thread")
def batch_processing(payload: BatchProcessing, context: Context) -> BatchResult:
    """Make many files searchable, so many at a time."""
    total = len(payload.files)
    with context.transaction() as connection:
        children = children_of(connection, context.job.id) or _enqueued(connection, payload, context)
        connection.commit()
        ended = list(context.dependencies)
        if [each.id for each in ended] != children:  # it may have waited for others before it began
            context.progress(0, total, f"0 of {total} files")
            context.wait_for(children)
    if payload.on_child_failure == "cancel":
        _refuse_failed(ended)
    context.progress(total, total, f"{total} of {total} files")
    return _result(ended)


def _enqueued(connection: Connection, payload: BatchProcessing, context: Context) -> list[int]:
    """Enqueue a child for each file; it waits for the end of the one `concurrency` places before."""
    ids: list[int] = []
    payloads = [_without_none(msgspec.to_builtins(file)) for file in payload.files]
    for begin in range(0, len(payloads), payload.concurrency):
        next_ones = payloads[begin : begin + payload.concurrency]
        before = ids[-payload.concurrency :]
        jobs = [_child(each, before[at : at + 1], context) for at, each in enumerate(next_ones)]
        ids += [child.id for child in enqueue_many(jobs, on=connection)]
        context.stop_if_cancelled()
    keep_children(connection, context.job.id, ids, stops=payload.on_child_failure == "cancel")
    return ids


def _child(payload: dict[str, Any], after: Sequence[int], context: Context) -> NewJob:
    return NewJob(
        "file_processing",
        payload,
        queue=context.job.queue,
        priority=context.job.priority,
        parent_id=context.job.id,
        after=after or None,
        when="ended" if after else None,
    )


def _without_none(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: _without_none(each) for name, each in value.items() if each is not None}


def _refuse_failed(ended: Sequence[Dependency]) -> None:
    for place, each in enumerate(ended, start=1):
        if each.status not in ("completed", "cancelled"):
            not_begun = sum(other.status == "cancelled" for other in ended)
            told = f"file {place} of {len(ended)} failed, job {each.id}: {each.error_message}"
            raise PermanentError(f"{told}; {not_begun} were cancelled")


def _result(ended: Sequence[Dependency]) -> BatchResult:
    completed = sum(each.status == "completed" for each in ended)
    return BatchResult(
        total=len(ended),
        completed=completed,
        failed=len(ended) - completed,
        children=[
            BatchChild(job_id=each.id, status=each.status, document_id=(each.result or {}).get("documentId"))
            for each in ended
        ],
    )
