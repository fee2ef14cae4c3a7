"""A job that runs again with another payload: secrets stay as they were, and the type's schema is heeded.

In: a link, an id, the payload as somebody edited it, and when they saw the job. Out: how the job stands, and
which fields are other ones. Called by the web.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from rowcrew.admin import jobs
from rowcrew.model.errors import InvalidJob
from rowcrew.model.masking import unmasked
from rowcrew.model.new_job import NewJob
from rowcrew.model.payload_schema import complaint
from rowcrew.table import operator
from rowcrew.table.link import Link


class Requeued(NamedTuple):
    """How the job stands, and the names of the fields that were changed; never their values."""

    answer: jobs.Answer
    fields: list[str]


async def requeue_edited(
    link: Link, id: int, payload: Mapping[str, Any], *, seen: datetime
) -> Requeued | None:
    """None when there is no such job.

    Raises:
        InvalidJob: the payload cannot be stored, or does not fit the schema.
    """
    job = await operator.show_job(link, id)
    if job is None:
        return None
    original = msgspec.json.decode(job.payload)
    checked = NewJob(job.type, payload=dict(payload)).payload  # not so deep that nobody can walk through it
    wanted = NewJob(job.type, payload=unmasked(checked, original)).payload
    schema = await payload_schema(link, job.type)
    if schema is not None and (wrong := complaint(wanted, schema)):
        raise InvalidJob(wrong.path, wrong.problem)
    text = msgspec.json.encode(wanted).decode()
    changed = await operator.requeue_edited(link, id, payload=text, seen=seen)
    (standing,) = await operator.job_standing(link, [id])
    answer = jobs.Answer(id, standing.status, standing.live_id, bool(changed))
    return Requeued(answer, _differing(original, wanted))


async def payload_schema(link: Link, type: str) -> dict[str, Any] | None:
    """What the type has published; None = nothing, or nothing that is an object."""
    published = await operator.show_type(link, type)
    if published is None or published.payload_schema is None:
        return None
    schema = msgspec.json.decode(published.payload_schema)
    return schema if isinstance(schema, dict) else None


def _differing(before: Any, after: Any) -> list[str]:
    known = before if isinstance(before, dict) else {}
    return sorted(name for name in {*known, *after} if known.get(name, ...) != after.get(name, ...))
