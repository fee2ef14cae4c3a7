"""Workflows over HTTP: a job with all that came of it, shown, cancelled, run again as far as it failed."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from rowcrew.admin import jobs, looks, tree
from rowcrew.table.link import Link
from rowcrew.table.rows import TreeJob
from rowcrew.web.api.operation import Answer, Given, Operation
from rowcrew.web.problems import Refused

MOST_SHOWN: Final = 1_000


class TreeQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of it."""

    limit: Annotated[int, Meta(ge=1, le=MOST_SHOWN)] = 200


class WorkflowJob(TreeJob, frozen=True):
    """A job of a workflow; `depth` is 0 for the oldest ancestor."""

    depth: int


class Workflow(msgspec.Struct, frozen=True, rename="camel"):
    """A job's family from its oldest ancestor on, each job below its parent or what it waits for.

    Members are looked for among the 100,000 jobs behind each that is known. Where `isWhole` is false there
    may be further ones, which `rowcrew jobs tree` finds.
    """

    jobs: list[WorkflowJob]
    is_whole: bool


class Changed(msgspec.Struct, frozen=True):
    """How the jobs stand that were to be changed."""

    jobs: list[jobs.Answer]


async def show(link: Link, given: Given) -> Answer:
    query: TreeQuery = given.query
    family = await tree.tree(link, given.id, limit=query.limit, reach=looks.READ_THROUGH)
    if family is None:
        raise Refused(404, await jobs.unseen(link, given.id), field="id")
    members = [
        WorkflowJob(**msgspec.structs.asdict(one.job), depth=one.place.depth) for one in family.members
    ]
    return Answer(Workflow(members, family.is_whole))


async def cancel(link: Link, given: Given) -> Answer:
    await _known(link, given)
    return Answer(Changed(await tree.change_tree(link, "cancel", given.id)))


async def requeue(link: Link, given: Given) -> Answer:
    await _known(link, given)
    return Answer(
        Changed(await tree.change_tree(link, "requeue", given.id, statuses=("failed", "cancelled")))
    )


async def _known(link: Link, given: Given) -> None:
    if await jobs.show_job(link, given.id) is None:
        raise Refused(404, await jobs.unseen(link, given.id), field="id")


OPERATIONS: Final = (
    Operation(
        "GET",
        "/workflows/{id}",
        "showWorkflow",
        "Show the whole family of a job.",
        show,
        Workflow,
        query=TreeQuery,
        problems=(404,),
    ),
    Operation(
        "POST",
        "/workflows/{id}/cancel",
        "cancelWorkflow",
        "Cancel a job and all that came of it.",
        cancel,
        Changed,
        problems=(404, 409),
    ),
    Operation(
        "POST",
        "/workflows/{id}/requeue",
        "requeueWorkflow",
        "Run a job and what came of it again, as far as it failed or was cancelled.",
        requeue,
        Changed,
        problems=(404, 409),
    ),
)
