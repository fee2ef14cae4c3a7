"""Writes ends to their rows, so that one bad value or one locked row never holds up the others.

In: ends from `record`. Out: rows, and what became of each end. Every row proves its lease.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec
import psycopg

from rowcrew.control.identity import Identity
from rowcrew.control.road.notes import raw
from rowcrew.log import Log
from rowcrew.model.cleaning import clean_line
from rowcrew.model.event import JOB_FAILED, NewEvent, events_document
from rowcrew.model.job import Job
from rowcrew.model.verdict import Verdict
from rowcrew.table import producer
from rowcrew.table import worker as table
from rowcrew.table.link import Link, is_about_data, reason

LOCK_TIMEOUT: Final = "1s"
_ERROR_LENGTH: Final = 500
_LOCKED: Final = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
_encode: Final = msgspec.json.Encoder().encode


class End(msgspec.Struct, frozen=True, gc=False):
    """One row to write.

    Attributes:
        job: None for a lease that the database knows and this worker does not.
        size: how many bytes of values it carries.
        seconds: how long the run took; None if it never began.
    """

    id: int
    lease_id: str
    verdict: Verdict
    job: Job | None = None
    progress: bytes | None = None
    checkpoint: bytes | None = None
    size: int = 0
    seconds: float | None = None


def in_ascii(end: End) -> End:
    """The end where the encoding of the database lacks a letter: errors escaped, such progress left out.

    What the handler gave for keeps, a result or a checkpoint, stays as it is.
    """
    error, traceback = (
        text and text.encode("ascii", "backslashreplace").decode()
        for text in (end.verdict.error, end.verdict.traceback)
    )
    verdict = msgspec.structs.replace(end.verdict, error=error, traceback=traceback)
    progress = end.progress if end.progress is not None and end.progress.isascii() else None
    return msgspec.structs.replace(end, verdict=verdict, progress=progress)


class Written(NamedTuple):
    """What became of ends.

    Attributes:
        ends: those that are settled, as they were written.
        strangers: of these the leases that are no longer ours, with `ALREADY` or `STALE`.
        locked: those whose rows somebody else holds; nothing was written for them.
        odd: those that cannot even be written as failed, each with the reason.
    """

    ends: list[End]
    strangers: dict[str, str]
    locked: list[End]
    odd: list[tuple[End, Exception]]

    def and_also(self, other: Written) -> Written:
        return Written(
            self.ends + other.ends,
            self.strangers | other.strangers,
            self.locked + other.locked,
            self.odd + other.odd,
        )


class Writer:
    """The statements of a group commit, from the quickest form to the most patient.

    Attributes:
        tells: a job was written that waits, or that others wait for; who looks after them resets it.
    """

    def __init__(self, *, link: Link, identity: Identity, log: Log) -> None:
        self._link = link
        self._identity = identity
        self._log = log
        self.tells = False

    async def write(self, ends: list[End]) -> Written:
        """Write all ends that can be written now.

        Raises:
            psycopg.Error: nobody knows what was written; writing again is harmless.
        """
        try:
            try:
                return Written(ends, await self._write_together(ends), [], [])
            except _LOCKED:
                return await self._write_unlocked(ends)
        except (psycopg.Error, UnicodeError) as error:
            if not is_about_data(error):
                raise
            return await self._write_apart(ends, error)

    async def _write_together(self, ends: Sequence[End]) -> dict[str, str]:
        """Write all in one commit; the strangers among their leases."""
        has_children = any(end.verdict.children is not None for end in ends)
        happened = events_in(ends)
        if not has_children and not happened and not self._link.pooled:
            return await self._record(ends)
        async with self._link.transaction({"lock_timeout": LOCK_TIMEOUT}):
            ends = await self._with_ids_waited_for(ends)
            strangers = await self._record(ends)
            await self._emit(happened, strangers)
            for end in ends:
                jobs = end.verdict.children
                if jobs is not None and end.verdict.waits is None and end.lease_id not in strangers:
                    await self._link.ask(producer.enqueue(jobs.decode()))
        return strangers

    async def _with_ids_waited_for(self, ends: Sequence[End]) -> Sequence[End]:
        """Enqueue the children that jobs wait for, before their rows name them, and while these are ours."""
        waiting = [end for end in ends if end.verdict.waits is not None]
        if not waiting:
            return ends
        held = await table.hold(
            self._link, ids=[end.id for end in waiting], leases=[end.lease_id for end in waiting]
        )
        ids = {end.lease_id: await self._ids_waited_for(end) for end in waiting if end.lease_id in held}
        return [_waiting_for(end, ids[end.lease_id]) if end.lease_id in ids else end for end in ends]

    async def _ids_waited_for(self, end: End) -> list[int]:
        """Of a child whose unique key is live the id of the job that has it."""
        decided = end.verdict
        assert decided.children is not None
        assert decided.waits is not None
        wanted = _decode_keys(decided.children)
        enqueued = await self._link.ask(producer.enqueue(decided.children.decode())) if wanted else []
        ids = decided.waits + [job.id for job in enqueued]
        if len(enqueued) < len(wanted):
            keys = _encode([key for key in wanted if key.unique_key is not None]).decode()
            ids += [job.id for job in await self._link.ask(producer.live_job(keys))]
        return sorted(set(ids))

    async def _write_unlocked(self, ends: list[End]) -> Written:
        """Somebody holds a row for long: write the others, and then those that have children."""
        async with self._link.transaction({"lock_timeout": LOCK_TIMEOUT}):
            free = set(await table.lock_free(self._link, [end.id for end in ends]))
            now = [end for end in ends if end.id in free and end.verdict.children is None]
            strangers = await self._record(now)
            await self._emit(events_in(now), strangers)
        parents = [end for end in ends if end.id in free and end.verdict.children is not None]
        if 0 < len(parents) < len(ends):  # else it is a child that waits, for a unique key say
            with suppress(*_LOCKED):
                strangers |= await self._write_together(parents)
                now += parents
        written = {end.lease_id for end in now}
        return Written(now, strangers, [end for end in ends if end.lease_id not in written], [])

    async def _write_apart(self, ends: list[End], error: Exception) -> Written:
        """One of these holds a value that no column takes: halve until it stands alone, and let it fail."""
        if len(ends) > 1:
            half = len(ends) // 2
            first = await self.write(ends[:half])
            return first.and_also(await self.write(ends[half:]))
        await self._strangers_of([])  # what fails without any row is no row's fault
        plain = in_ascii(ends[0])
        if isinstance(error, psycopg.errors.UntranslatableCharacter) and plain != ends[0]:
            return await self.write([plain])
        return await self._write_failed(ends[0], error)

    async def _write_failed(self, end: End, error: Exception) -> Written:
        failed = as_failed(end, error)
        try:
            strangers = await self._write_together([failed])
        except _LOCKED:
            return Written([], {}, [end], [])
        except psycopg.Error as second:
            if not is_about_data(second):
                raise
            return Written([], {}, [], [(end, error)])
        self._log.event("job.unstorable", job_id=end.id, reason=reason(error))
        return Written([failed], strangers, [], [])

    async def _record(self, ends: Sequence[End]) -> dict[str, str]:
        strangers = await self._strangers_of(ends)
        stale = [end for end in ends if strangers.get(end.lease_id) == "STALE"]
        if stale:
            # The statement may have waited for the first telling of the same end, whose answer got lost, and
            # judged by what it saw before. Asked again it sees; it changes nothing.
            strangers |= await self._strangers_of(stale)
        return strangers

    async def _emit(self, happened: Sequence[End], strangers: Mapping[str, str]) -> None:
        """Tell of ends in the transaction that writes them; of one that is no longer ours, others do."""
        written = [end for end in happened if end.lease_id not in strangers]
        emitted = [end.verdict.events.decode() for end in written if end.verdict.events is not None]
        parts = [array[1:-1] for array in (*emitted, events_document(failures(written)))]
        if together := ",".join(filter(None, parts)):
            await self._link.ask(producer.emit(f"[{together}]"))

    async def _strangers_of(self, ends: Sequence[End]) -> dict[str, str]:
        strangers = {}
        for lease_id, reply in await table.record(
            self._link, ended=document(ends), worker=self._identity.worker_id
        ):
            if lease_id is None:
                self.tells = True
            else:
                strangers[lease_id] = reply
        return strangers


class _Key(msgspec.Struct, rename="camel"):
    """What tells a child from a live job."""

    type: str
    unique_key: str | None = None


_decode_keys: Final = msgspec.json.Decoder(list[_Key]).decode


def _waiting_for(end: End, ids: list[int]) -> End:
    return msgspec.structs.replace(end, verdict=msgspec.structs.replace(end.verdict, waits=ids))


def as_failed(end: End, error: Exception) -> End:
    """What is written in place of values that no row takes."""
    text = f"the end of this run could not be stored: {reason(error)}"
    return End(end.id, end.lease_id, Verdict("failed", "failed", error=text), end.job, seconds=end.seconds)


def events_in(ends: Sequence[End]) -> list[End]:
    """The ends that others may want to know of. Asked of every batch: most have none."""
    return [end for end in ends if end.verdict.attempt_outcome == "failed" or end.verdict.events is not None]


def failures(ends: Sequence[End]) -> list[NewEvent]:
    """One event for each queue and type in which jobs have failed."""
    failed: dict[tuple[str, str], list[End]] = {}
    for end in ends:
        if end.verdict.attempt_outcome == "failed" and end.job is not None:
            failed.setdefault((end.job.queue, end.job.type), []).append(end)
    return [
        NewEvent(JOB_FAILED, type, queue, type, len(some), failure(some[-1].id, some[-1].verdict.error))
        for (queue, type), some in failed.items()
    ]


def failure(job_id: int, error: str | None) -> dict[str, Any]:
    """What is told of the last job that failed."""
    return {"jobId": job_id, "error": clean_line(error or "", _ERROR_LENGTH)}


def size_of(decided: Verdict, progress: bytes | None, checkpoint: bytes | None) -> int:
    """How many bytes of values an end carries. Asked for every job: most have a result alone."""
    size = 0 if decided.result is None else len(decided.result)
    if decided.children is None and decided.traceback is None and progress is None and checkpoint is None:
        return size if decided.events is None else size + len(decided.events)
    values = (decided.children, decided.events, decided.traceback, progress, checkpoint)
    return size + sum([len(value or b"") for value in values])


def document(ends: Sequence[End]) -> str:
    """The rows as the one JSON array that the record statement takes."""
    return (b"[" + b",".join([_row(end) for end in ends]) + b"]").decode()


def _row(end: End) -> bytes:
    decided = end.verdict
    if decided.status == "completed" and end.progress is None and end.checkpoint is None:
        # Nearly every row is this one, so it is joined by hand.
        return b'{"id":%d,"lease":"%b","status":"completed","result":%b}' % (
            end.id,
            end.lease_id.encode(),
            decided.result or b"null",
        )
    return _encode(
        {
            "id": end.id,
            "lease": end.lease_id,
            "status": decided.status,
            "outcome": decided.attempt_outcome,
            "result": raw(decided.result),
            "error": decided.error,
            "traceback": decided.traceback,
            "memory": decided.memory_bytes,
            "progress": raw(end.progress),
            "checkpoint": raw(end.checkpoint),
            "waits": decided.waits,
            "delay": decided.delay_seconds,
            "refund": decided.refund,
            "crash": decided.crash,
        }
    )
