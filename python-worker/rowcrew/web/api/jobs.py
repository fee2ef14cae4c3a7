"""Jobs over HTTP: enqueue, list, show, change, cancel, requeue, and what they have said."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from rowcrew import client
from rowcrew.admin import jobs as admin
from rowcrew.admin import looks
from rowcrew.admin.requeue_edited import requeue_edited
from rowcrew.admin.search import Unreadable, search
from rowcrew.model.new_job import NewJob, WaitPolicy, the_payload
from rowcrew.model.priority import priority_value
from rowcrew.model.status import Status
from rowcrew.table.link import Link
from rowcrew.table.looks import PagedJob, Search
from rowcrew.table.rows import Attempt, Said, WholeJob
from rowcrew.web.api.operation import Answer, Given, Operation, refuse_changed, tag_of
from rowcrew.web.problems import Refused

MOST_LISTED: Final = 200

JobId = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class JobToEnqueue(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A job to enqueue, by the names of the columns. What is left out, the type says, else the table.

    Attributes:
        parameters: another name of `payload`.
        priority: a number, larger runs first, or urgent, high, normal, low.
        waits_for: ids of jobs that must have ended before it runs.
    """

    type: str
    payload: dict[str, Any] = msgspec.field(default_factory=dict)
    parameters: dict[str, Any] | None = None
    queue: str | None = None
    priority: int | str | None = None
    run_at: datetime | None = None
    max_attempts: int | None = None
    timeout_seconds: int | None = None
    unique_key: str | None = None
    concurrency_key: str | None = None
    parent_id: JobId | None = None
    waits_for: list[JobId] | None = None
    wait_policy: WaitPolicy | None = None

    def new_job(self, unique_key: str | None, traceparent: str | None) -> NewJob:
        fields = msgspec.structs.asdict(self)
        if (parameters := fields.pop("parameters")) is not None:
            fields["payload"] = the_payload(self.payload, parameters)
        after, when = fields.pop("waits_for"), fields.pop("wait_policy")
        given = {"unique_key": unique_key, "traceparent": traceparent}
        return NewJob(**{**fields, **given, "after": after or None, "when": when})


class JobsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which jobs; each name but `q`, `cursor` and `limit` may come again, and any of its values fits.

    Attributes:
        q: the same as one would type it: `failed queue:mail key:acme since:2h "text"`.
        key: a unique key or a concurrency key.
        cursor: `next` of the page before.
    """

    q: str | None = None
    status: list[Status] = msgspec.field(default_factory=list)
    type: list[str] = msgspec.field(default_factory=list)
    queue: list[str] = msgspec.field(default_factory=list)
    key: list[str] = msgspec.field(default_factory=list)
    cursor: JobId | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST_LISTED)] = 50

    @property
    def search(self) -> Search:
        given = Search(
            statuses=tuple(self.status) or None,
            types=tuple(self.type) or None,
            queues=tuple(self.queue) or None,
            keys=tuple(self.key) or None,
        )
        if self.q is None:
            return given
        if given != Search():
            raise Refused(400, "q: says which jobs by itself; give status, type, queue, key or q", field="q")
        return typed(self.q)


def typed(text: str) -> Search:
    """What somebody typed as a search.

    Raises:
        Refused: a word of it is not understood.
    """
    try:
        return search(text)
    except Unreadable as error:
        raise Refused(400, f"q: {error}", field="q") from error


def refuse_hidden(wanted: Search, given: Given) -> None:
    """Who may not read payloads may not find out either what stands in them.

    Raises:
        Refused: a text is looked for.
    """
    if wanted.texts and not given.user.sees_payloads:
        raise Refused(403, "q: to search payloads takes the right to read them", field="q")


class JobChange(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """When a queued job runs, and how soon beside others; what is left out stays.

    Attributes:
        priority: a number, larger runs first, or urgent, high, normal, low.
    """

    priority: int | str | None = None
    run_at: datetime | None = None


class EditedPayload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The payload with which an ended job runs again. What the mask •••••• stands for stays as it was; within
    arrays masks have the numbers of their secrets, such as •••••• 1.
    """

    payload: dict[str, Any]


class LinesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which lines; `after` is the id of the row seen last."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0


class WhyReason(msgspec.Struct, frozen=True):
    """One reason.

    Attributes:
        code: for programs.
        what: for people.
        remedies: what may be done, by its word.
    """

    code: str
    what: str
    remedies: list[str]


class Why(msgspec.Struct, frozen=True):
    """Why a job is where it is, the weightiest reason first."""

    id: int
    status: Status
    reasons: list[WhyReason]


class JobLines(msgspec.Struct, frozen=True):
    """What a job has logged and printed, oldest first."""

    logs: list[Said]


class JobsPage(msgspec.Struct, frozen=True):
    """Jobs, newest first. A short or empty page may yet have a next one: `next` is null at the end."""

    jobs: list[PagedJob]
    next: str | None


class JobDocument(WholeJob, frozen=True):
    """A job with all its columns, and its attempts that did not complete."""

    job_attempts: list[Attempt] = msgspec.field(name="job_attempts")


async def enqueue(link: Link, given: Given) -> Answer:
    wanted: JobToEnqueue = given.body
    if given.idempotency_key and wanted.unique_key not in (None, given.idempotency_key):
        raise Refused(
            422, "uniqueKey: differs from the header Idempotency-Key; give one of them", field="uniqueKey"
        )
    job = wanted.new_job(given.idempotency_key or wanted.unique_key, given.traceparent)
    enqueued = await client.enqueue_async(job, on=link)
    document = await document_of(link, enqueued.id)
    where = {"Location": f"/api/v1/jobs/{enqueued.id}"}
    return Answer(document, 201 if enqueued.created else 200, where, tag=_tag(document))


async def list_jobs(link: Link, given: Given) -> Answer:
    query: JobsQuery = given.query
    search = query.search
    refuse_hidden(search, given)
    page = await looks.page(link, search, before=query.cursor, limit=query.limit)
    return Answer(JobsPage(page.jobs, None if page.before is None else str(page.before)))


async def show_job(link: Link, given: Given) -> Answer:
    document = await document_of(link, given.id)
    return Answer(document, tag=_tag(document))


async def change_job(link: Link, given: Given) -> Answer:
    wanted: JobChange = given.body
    checked = NewJob("job", priority=wanted.priority, run_at=wanted.run_at)  # refuses what no job can have
    seen = await document_of(link, given.id)
    refuse_changed(given, _tag(seen))
    changed = await admin.edit_job(
        link,
        given.id,
        priority=None if wanted.priority is None else priority_value(checked.priority or 0),
        run_at=wanted.run_at,
        seen=None if given.if_match is None else seen.updated_at,
    )
    document = await document_of(link, given.id)
    if not changed:
        raise _not_edited(given, document)
    return Answer(document, tag=_tag(document))


def _not_edited(given: Given, document: JobDocument) -> Refused:
    if document.status != "queued":
        return Refused(409, f"job {document.id} is {document.status}: only a queued job is changed so")
    if given.if_match is not None:
        return Refused(412, "somebody has changed it since you saw it; look again", field="If-Match")
    return Refused(409, f"job {document.id} waits for other jobs, not for a time", field="runAt")


def _tag(document: JobDocument) -> str:
    return tag_of(document.id, document.updated_at)


async def show_lines(link: Link, given: Given) -> Answer:
    query: LinesQuery = given.query
    lines = await admin.job_lines(link, given.id, query.after)
    if lines is None:
        raise Refused(404, await admin.unseen(link, given.id), field="id")
    return Answer(JobLines(lines))


async def explain(link: Link, given: Given) -> Answer:
    explained = await admin.why(link, given.id)
    if explained is None:
        raise Refused(404, await admin.unseen(link, given.id), field="id")
    told = [WhyReason(one.code, one.what, [each.kind for each in one.remedies]) for one in explained.reasons]
    return Answer(Why(given.id, explained.job.status, told))


async def cancel(link: Link, given: Given) -> Answer:
    return await _changed(link, "cancel", given.id)


async def requeue(link: Link, given: Given) -> Answer:
    return await _changed(link, "requeue", given.id)


async def requeue_with_payload(link: Link, given: Given) -> Answer:
    wanted: EditedPayload = given.body
    seen = await document_of(link, given.id)
    refuse_changed(given, _tag(seen))
    edited = await requeue_edited(link, given.id, wanted.payload, seen=seen.updated_at)
    document = await document_of(link, given.id)
    if edited is None or not edited.answer.changed:
        if document.status in admin.CHANGEABLE["requeue"] and document.updated_at != seen.updated_at:
            raise Refused(412, "somebody has changed it since you saw it; look again", field="If-Match")
        answer = admin.Answer(given.id, document.status, None, False) if edited is None else edited.answer
        raise Refused(409, _unchanged("requeue", answer))
    return Answer(document, tag=_tag(document), tells={"fields": edited.fields})


async def document_of(link: Link, id: int) -> JobDocument:
    shown = await admin.show_job(link, id)
    if shown is None:
        raise Refused(404, await admin.unseen(link, id), field="id")
    return JobDocument(**msgspec.structs.asdict(shown.job), job_attempts=shown.attempts)


async def _changed(link: Link, change: admin.Change, id: int) -> Answer:
    """How the job stands now. A second request for what is so already is answered as the first."""
    (answer,) = await admin.change_jobs(link, change, [id])
    if answer.status is None:
        raise Refused(404, await admin.unseen(link, id), field="id")
    wanted = ("cancelled",) if change == "cancel" else ("queued", "processing")
    if not answer.changed and answer.status not in wanted:
        raise Refused(409, _unchanged(change, answer))
    return Answer(answer)


def _unchanged(change: admin.Change, answer: admin.Answer) -> str:
    if answer.live_id is not None:
        return f"job {answer.live_id} has its type and unique key and is live; cancel that one first"
    able = ", ".join(admin.CHANGEABLE[change])
    return f"job {answer.id} is {answer.status}: {change} takes jobs that are {able}"


OPERATIONS: Final = (
    Operation(
        "POST",
        "/jobs",
        "enqueueJob",
        "Enqueue a job. An Idempotency-Key becomes its unique key: a second request finds the live job.",
        enqueue,
        JobDocument,
        body=JobToEnqueue,
        status=201,
        problems=(408, 409, 413, 415, 422),
        takes_key=True,
    ),
    Operation(
        "GET",
        "/jobs",
        "listJobs",
        "List jobs, newest first. A page looks through 200,000 ids at most; `next` leads on.",
        list_jobs,
        JobsPage,
        query=JobsQuery,
    ),
    Operation(
        "GET", "/jobs/{id}", "showJob", "Show a job.", show_job, JobDocument, problems=(404,), has_tag=True
    ),
    Operation(
        "PATCH",
        "/jobs/{id}",
        "changeJob",
        "Change the priority of a queued job, or when it runs.",
        change_job,
        JobDocument,
        body=JobChange,
        problems=(404, 408, 409, 413, 415, 422),
        has_tag=True,
    ),
    Operation(
        "GET",
        "/jobs/{id}/logs",
        "showJobLogs",
        "Show what a job has logged and printed.",
        show_lines,
        JobLines,
        query=LinesQuery,
        problems=(404,),
    ),
    Operation(
        "GET",
        "/jobs/{id}/why",
        "explainJob",
        "Tell why a job waits, or what became of it.",
        explain,
        Why,
        problems=(404,),
    ),
    Operation(
        "POST",
        "/jobs/{id}/cancel",
        "cancelJob",
        "Cancel a job: a queued one never starts, a running one is stopped.",
        cancel,
        admin.Answer,
        problems=(404, 409),
    ),
    Operation(
        "POST",
        "/jobs/{id}/requeue",
        "requeueJob",
        "Run an ended job again, with all its attempts.",
        requeue,
        admin.Answer,
        problems=(404, 409),
    ),
    Operation(
        "POST",
        "/jobs/{id}/requeue/edited",
        "requeueEditedJob",
        "Run an ended job again with another payload, which has to fit the schema of its type.",
        requeue_with_payload,
        JobDocument,
        body=EditedPayload,
        problems=(404, 408, 409, 413, 415, 422),
        has_tag=True,
    ),
)
