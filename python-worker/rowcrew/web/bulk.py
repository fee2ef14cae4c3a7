"""Changes of many jobs: counted first, begun after a while in which they can be taken back, done in parts.

In: a change and a frozen set: a search, and the id above which nothing counts. Out: how far each has come. A
bulk change lives in this process; what it has not changed when the process ends stays as it is.
"""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime
from typing import Final, Literal

import msgspec
import psycopg

from rowcrew.admin import bulk as admin
from rowcrew.admin.bulk import BulkChange, Edit
from rowcrew.model.errors import RowcrewError
from rowcrew.table.link import reason
from rowcrew.table.looks import Search
from rowcrew.web.links import Links, TooMany

MOST_AT_ONCE: Final = 4
MOST_KEPT: Final = 100

State = Literal["waiting", "running", "done", "stopped", "failed"]


class BulkDocument(msgspec.Struct, frozen=True, rename="camel"):
    """A bulk change.

    Attributes:
        to_id: jobs with higher ids are none of its business.
        counted: how many jobs somebody was told that it takes; null = nobody was.
        looked_to: it has come down to this id; null before it begins.
        changed: how many jobs it has changed so far.
        problem: why it has failed.
        priority, run_at: what an edit gives the jobs; null = that stays.
    """

    id: str
    change: BulkChange
    state: State
    to_id: int
    counted: int | None
    looked_to: int | None
    changed: int
    problem: str | None
    priority: int | None
    run_at: datetime | None


class _Bulk:
    """One bulk change under way."""

    def __init__(
        self, change: BulkChange, search: Search, *, to_id: int, counted: int | None, edit: Edit | None
    ) -> None:
        self.id = str(uuid.uuid4())
        self.change = change
        self.search = search
        self.edit = edit
        self.to_id = to_id
        self.counted = counted
        self.state: State = "waiting"
        self.looked_to: int | None = None
        self.changed = 0
        self.problem: str | None = None
        self.stopped = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    @property
    def is_under_way(self) -> bool:
        return self.state in ("waiting", "running")

    def document(self) -> BulkDocument:
        return BulkDocument(
            self.id,
            self.change,
            self.state,
            self.to_id,
            self.counted,
            self.looked_to,
            self.changed,
            self.problem,
            *(self.edit or (None, None)),
        )


class Bulks:
    """The bulk changes of this process: those under way, and the last that have ended, a hundred together.

    Args:
        looking, changing: connections, each lent for one part at a time.
    """

    def __init__(self, *, looking: Links, changing: Links) -> None:
        self._looking = looking
        self._changing = changing
        self._known: dict[str, _Bulk] = {}

    def begin(
        self,
        change: BulkChange,
        search: Search,
        *,
        to_id: int,
        delay_seconds: float,
        counted: int | None = None,
        edit: Edit | None = None,
    ) -> BulkDocument:
        """
        Args:
            counted: how many jobs somebody was told that it takes.
            edit: what an edit gives the jobs.

        Raises:
            TooMany: too many are under way.
        """
        if sum(one.is_under_way for one in self._known.values()) >= MOST_AT_ONCE:
            raise TooMany(f"{MOST_AT_ONCE} bulk changes are under way; wait for one of them to end")
        bulk = _Bulk(change, search, to_id=to_id, counted=counted, edit=edit)
        self._known[bulk.id] = bulk
        if len(self._known) > MOST_KEPT:
            del self._known[next(id for id, one in self._known.items() if not one.is_under_way)]
        bulk.task = asyncio.create_task(self._run(bulk, delay_seconds))
        return bulk.document()

    def all(self) -> list[BulkDocument]:
        return [one.document() for one in reversed(self._known.values())]

    def get(self, id: str) -> BulkDocument | None:
        bulk = self._known.get(id)
        return None if bulk is None else bulk.document()

    def take_back(self, id: str) -> BulkDocument | None:
        """Stop it: before it begins nothing is changed, later nothing further."""
        bulk = self._known.get(id)
        if bulk is None:
            return None
        bulk.stopped.set()
        if bulk.state == "waiting":
            bulk.state = "stopped"
        return bulk.document()

    def stop(self) -> None:
        for bulk in self._known.values():
            bulk.stopped.set()

    async def _run(self, bulk: _Bulk, delay_seconds: float) -> None:
        try:
            async with asyncio.timeout(delay_seconds):
                await bulk.stopped.wait()
        except TimeoutError:
            bulk.state = "running"
        try:
            await self._change_all(bulk)
        except psycopg.Error as error:
            bulk.state, bulk.problem = "failed", reason(error)
        except RowcrewError as error:
            bulk.state, bulk.problem = "failed", str(error)
        else:
            bulk.state = "stopped" if bulk.stopped.is_set() else "done"

    async def _change_all(self, bulk: _Bulk) -> None:
        before: int | None = bulk.to_id + 1
        while before is not None and not bulk.stopped.is_set():
            async with self._looking.lent() as link:
                part = await admin.part(link, bulk.change, bulk.search, before=before)
            if part.ids:
                async with self._changing.lent() as link:
                    bulk.changed += await admin.carry_out(link, bulk.change, part.ids, bulk.edit)
            before = part.before
            bulk.looked_to = 1 if before is None else before
