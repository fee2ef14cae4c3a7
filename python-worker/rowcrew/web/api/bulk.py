"""Changes of many jobs over HTTP: count, begin, see how far they are, take back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from rowcrew.admin import bulk as admin
from rowcrew.admin import looks
from rowcrew.admin.bulk import BulkChange, Edit
from rowcrew.admin.search import frozen
from rowcrew.model.new_job import NewJob
from rowcrew.model.priority import priority_value
from rowcrew.table.link import Link
from rowcrew.table.looks import Search
from rowcrew.web.api.jobs import JobId, refuse_hidden, typed
from rowcrew.web.api.operation import Answer, Given, Operation
from rowcrew.web.bulk import BulkDocument
from rowcrew.web.problems import Refused

UNDO_SECONDS: Final = 10.0


class CountQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which jobs, as one would type it: `status:failed queue:mail`."""

    change: BulkChange
    q: str


class BulkToBegin(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A bulk change.

    Attributes:
        q: which jobs, as one would type it: `status:failed queue:mail`.
        to_id: jobs with higher ids are left alone: the `toId` of the count that somebody has seen.
        delay_seconds: how long it can be taken back before it begins.
        priority: for `edit`: a number, larger runs first, or urgent, high, normal, low.
        run_at: for `edit`: when the jobs run.
    """

    change: BulkChange
    q: str
    to_id: JobId
    delay_seconds: Annotated[float, Meta(ge=0, le=3_600)] = UNDO_SECONDS
    priority: int | str | None = None
    run_at: datetime | None = None

    def edit(self) -> Edit | None:
        """What an edit gives the jobs.

        Raises:
            Refused: an edit gives nothing, or another change something.
        """
        given = {"priority": self.priority, "runAt": self.run_at}
        if self.change == "edit" and given == {"priority": None, "runAt": None}:
            raise Refused(
                422, "priority: give it, or runAt, or both: an edit changes one of them", field="priority"
            )
        for field, value in given.items():
            if self.change != "edit" and value is not None:
                raise Refused(422, f"{field}: {self.change} does not change it; edit does", field=field)
        return edit_of(self.priority, self.run_at) if self.change == "edit" else None


class BulkList(msgspec.Struct, frozen=True):
    """The bulk changes of this process, newest first."""

    bulk: list[BulkDocument]


async def count(link: Link, given: Given) -> Answer:
    query: CountQuery = given.query
    wanted = _search(query.change, query.q)
    refuse_hidden(wanted, given)
    return Answer(await admin.count(link, query.change, wanted))


async def begin(link: Link, given: Given) -> Answer:
    wanted: BulkToBegin = given.body
    search = frozen(_search(wanted.change, wanted.q), await looks.now(link))
    edit = wanted.edit()
    begun = given.shared.bulks.begin(
        wanted.change, search, to_id=wanted.to_id, delay_seconds=wanted.delay_seconds, edit=edit
    )
    where = {"Location": f"/api/v1/bulk/{begun.id}"}
    tells = admin.told(wanted.change, search, wanted.to_id, edit)
    return Answer(begun, 202, where, tells={"bulk": begun.id, **tells})


def edit_of(priority: int | str | None, run_at: datetime | None) -> Edit:
    """
    Raises:
        InvalidJob: no job can have such a priority or time.
    """
    checked = NewJob("job", priority=priority, run_at=run_at)
    return Edit(None if priority is None else priority_value(checked.priority or 0), run_at)


async def list_bulk(_: Link, given: Given) -> Answer:
    return Answer(BulkList(given.shared.bulks.all()))


async def show(_: Link, given: Given) -> Answer:
    return Answer(_found(given.shared.bulks.get(given.path["bulk"])))


async def stop(_: Link, given: Given) -> Answer:
    return Answer(_found(given.shared.bulks.take_back(given.path["bulk"])))


def _search(change: BulkChange, text: str) -> Search:
    search = typed(text)
    if search == Search():
        raise Refused(422, "q: say which jobs, such as status:failed or type:report", field="q")
    if admin.narrowed(change, search) is None:
        able = ", ".join(admin.takes(change))
        raise Refused(422, f"q: {change} takes jobs that are {able}, and these are not", field="q")
    return search


def _found(bulk: BulkDocument | None) -> BulkDocument:
    if bulk is None:
        raise Refused(404, "there is no such bulk change here; GET /api/v1/bulk lists them", field="bulk")
    return bulk


OPERATIONS: Final = (
    Operation(
        "GET",
        "/bulk/count",
        "countBulk",
        "Count the jobs that a bulk change would take, up to 10,000.",
        count,
        admin.Counted,
        query=CountQuery,
        problems=(422,),
    ),
    Operation("GET", "/bulk", "listBulk", "List the bulk changes of this process.", list_bulk, BulkList),
    Operation(
        "POST",
        "/bulk",
        "beginBulk",
        "Change many jobs, beginning after ten seconds in which it can be taken back.",
        begin,
        BulkDocument,
        body=BulkToBegin,
        status=202,
        problems=(408, 413, 415, 422, 429),
    ),
    Operation(
        "GET",
        "/bulk/{bulk}",
        "showBulk",
        "Show how far it is.",
        show,
        BulkDocument,
        problems=(404,),
    ),
    Operation(
        "POST",
        "/bulk/{bulk}/stop",
        "stopBulk",
        "Take a bulk change back, or stop it where it is.",
        stop,
        BulkDocument,
        problems=(404,),
    ),
)
