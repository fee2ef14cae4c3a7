"""Writes how runs ended: all since the last write in one statement, durable before it is believed.

In: runs and their outcomes from `dispatch`, stray leases from `heartbeat`. Out: rows, and one log line for
each end. Each row proves its lease; one bad value or one locked row never holds up the others. A write
whose answer got lost is written again: the lease makes that harmless.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
import psycopg
from tenacity import AsyncRetrying, retry_if_exception, wait_random_exponential

from rowcrew.control.identity import Identity
from rowcrew.control.ledger import Ledger, Run
from rowcrew.control.notes import raw
from rowcrew.control.outage import Outage
from rowcrew.log import Log, job_facts
from rowcrew.model.backoff import Backoff
from rowcrew.model.job import Job
from rowcrew.model.manifest import TypeManifest
from rowcrew.model.outcome import Completed, Outcome
from rowcrew.model.verdict import Verdict, verdict
from rowcrew.table import producer
from rowcrew.table import worker as table
from rowcrew.table.link import Link, is_outage, reason

LOCK_TIMEOUT: Final = "1s"
LOCKED_PAUSE_SECONDS: Final = 1.0
# In a steady stream of ends one write takes what eight milliseconds brought; the first is written at once.
PACE_SECONDS: Final = 0.008
_UNSTORABLE: Final = ("22", "23", "54")
_EVENTS: Final = {
    "retried": "job.retried",
    "failed": "job.failed",
    "cancelled": "job.cancelled",
    "snoozed": "job.snoozed",
    "released": "job.released",
    "lost": "job.lost",
}
_encode: Final = msgspec.json.Encoder().encode


class End(msgspec.Struct, frozen=True, gc=False):
    """One row to write. `job` is None for a lease that the database knows and this worker does not."""

    id: int
    lease_id: str
    verdict: Verdict
    job: Job | None = None
    progress: bytes | None = None
    checkpoint: bytes | None = None


class Recorder:
    """Group commit of ends, on a connection of its own.

    Args:
        stale: told of each job whose end came too late: its row was changed or taken meanwhile.
    """

    def __init__(
        self, *, link: Link, identity: Identity, ledger: Ledger, log: Log, stale: Callable[[Job], None]
    ) -> None:
        self._link = link
        self._identity = identity
        self._ledger = ledger
        self._log = log
        self._stale = stale
        self._backoffs: dict[str, Backoff] = {}
        self._pending: list[End] = []
        self._arrived = asyncio.Event()
        self._written = asyncio.Event()
        self._busy = False
        self._outage = Outage(link=link, purpose="record", log=log)

    def set_backoffs(self, types: Iterable[TypeManifest]) -> None:
        self._backoffs = {manifest.name: manifest.backoff for manifest in types}

    def ended(self, run: Run, outcome: Outcome) -> None:
        """Take a run's end; it is written with all others that come meanwhile."""
        job = run.job
        delay = 0.0 if isinstance(outcome, Completed) else self._backoff_seconds(job)
        decided = verdict(job, outcome, delay)
        if decided is None:
            self._log.jobs("job.completed", [job])
            self._ledger.forget([job.lease_id])
            return
        self._add(End(job.id, job.lease_id, decided, job, run.progress, run.checkpoint))

    def give_back(self, id: int, lease_id: str) -> None:
        """Give back a row that the database says is held here, though nothing here holds it."""
        why = "reserved, but the answer was lost"
        self._add(End(id, lease_id, Verdict("queued", "released", error=why, refund=1)))

    async def run(self) -> None:
        """Write whatever has ended, again and again."""
        began = 0.0
        while True:
            await self._arrived.wait()
            await asyncio.sleep(max(0.0, began + PACE_SECONDS - time.monotonic()))
            began = time.monotonic()
            self._arrived.clear()
            ends, self._pending = self._pending, []
            self._busy = True
            await self._write_surely(ends)
            self._busy = False
            self._written.set()

    async def flushed(self) -> None:
        """Wait until everything taken so far is written."""
        while self._pending or self._busy:
            self._written.clear()
            await self._written.wait()

    def _add(self, end: End) -> None:
        self._pending.append(end)
        self._arrived.set()

    def _backoff_seconds(self, job: Job) -> float:
        backoff = self._backoffs.get(job.type) or Backoff()
        return backoff.delay(job.attempt, random.random())  # noqa: S311 - jitter

    async def _write_surely(self, ends: list[End]) -> None:
        """Again until it is done: every row is fenced, so writing twice is harmless."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(is_outage),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            before_sleep=lambda state: self._tell_outage(state.outcome),
        ):
            with attempt:
                await self._write(ends)
        self._outage.ended()

    async def _write(self, ends: list[End]) -> None:
        try:
            strangers = await self._write_together(ends)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            await self._write_unlocked(ends)
            return
        except psycopg.Error as error:
            if not (error.sqlstate or "").startswith(_UNSTORABLE):
                raise
            await self._write_apart(ends, error)
            return
        self._close(ends, strangers)

    async def _write_together(self, ends: Sequence[End]) -> dict[str, str]:
        """Write all in one commit. Answers the leases no longer ours, with `ALREADY` or `STALE`."""
        children = {end.lease_id: end.verdict.children for end in ends if end.verdict.children is not None}
        if not children and not self._link.pooled:
            return await self._record(ends)
        async with self._link.transaction({"lock_timeout": LOCK_TIMEOUT}):
            strangers = await self._record(ends)
            for lease_id, jobs in children.items():
                if lease_id not in strangers:
                    await self._link.ask(producer.enqueue(jobs.decode()))
        return strangers

    async def _record(self, ends: Sequence[End]) -> dict[str, str]:
        strangers = await self._strangers_of(ends)
        stale = [end for end in ends if strangers.get(end.lease_id) == "STALE"]
        if stale:
            # The statement may have waited for the first telling of the same end, whose answer got lost, and
            # judged by what it saw before. Asked again it sees; it changes nothing.
            strangers |= await self._strangers_of(stale)
        return strangers

    async def _strangers_of(self, ends: Sequence[End]) -> dict[str, str]:
        return dict(await table.record(self._link, ended=document(ends), worker=self._identity.worker_id))

    async def _write_unlocked(self, ends: list[End]) -> None:
        """Somebody holds a row for long: write the others, come back to it later."""
        async with self._link.transaction({"lock_timeout": LOCK_TIMEOUT}):
            free = set(await table.lock_free(self._link, [end.id for end in ends]))
            now = [end for end in ends if end.id in free and end.verdict.children is None]
            strangers = await self._record(now)
        self._close(now, strangers)
        written = {end.lease_id for end in now}
        later = [end for end in ends if end.lease_id not in written]
        asyncio.get_running_loop().call_later(LOCKED_PAUSE_SECONDS, self._add_again, later)

    async def _write_apart(self, ends: list[End], error: psycopg.Error) -> None:
        """One of these holds a value that no column takes: halve until it stands alone, and let it fail."""
        if len(ends) > 1:
            half = len(ends) // 2
            await self._write(ends[:half])
            await self._write(ends[half:])
            return
        end = ends[0]
        self._log.event("job.unstorable", job_id=end.id, reason=reason(error))
        text = f"the end of this run could not be stored: {error.sqlstate}"
        await self._write([End(end.id, end.lease_id, Verdict("failed", "failed", error=text), end.job)])

    def _add_again(self, ends: list[End]) -> None:
        self._pending.extend(ends)
        if ends:
            self._arrived.set()

    def _close(self, ends: Sequence[End], strangers: dict[str, str]) -> None:
        self._ledger.forget([end.lease_id for end in ends])
        stale = {lease_id for lease_id, reply in strangers.items() if reply == "STALE"}
        told = [(end, end.job) for end in ends if end.job is not None and end.lease_id not in stale]
        self._log.jobs("job.completed", [job for end, job in told if end.verdict.attempt_outcome is None])
        for end, job in told:
            if end.verdict.attempt_outcome is not None:
                self._tell(end, job)
        for end in ends:
            if end.lease_id in stale and end.job is not None:
                self._log.event("job.stale", **job_facts(end.job))
                self._stale(end.job)

    def _tell(self, end: End, job: Job) -> None:
        decided = end.verdict
        facts: dict[str, Any] = job_facts(job) | {
            "error": decided.error,
            "max_attempts": job.max_attempts,
            "delay_seconds": decided.delay_seconds,
        }
        if decided.traceback is not None:
            facts["traceback"] = decided.traceback
        self._log.event(_EVENTS[decided.attempt_outcome or ""], **facts)

    def _tell_outage(self, outcome: Any) -> None:
        self._outage.began(outcome.exception())


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
            "delay": decided.delay_seconds,
            "refund": decided.refund,
            "crash": decided.crash,
        }
    )
