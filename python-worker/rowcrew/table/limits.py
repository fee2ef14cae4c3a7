"""What a worker asks of the table about limits: a function for each statement in `sql/limits/`, by its name.

In: a link and plain values. Out: rows with names. `lock_limits`, `adopt` and `reserve_limited` belong into
one transaction, in this order. Called by `control`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rowcrew.model.floors import Probes
from rowcrew.model.job import Job
from rowcrew.table.link import CHORE_SECONDS, Link
from rowcrew.table.statements import SQL


class Locked(NamedTuple):
    """Whose locks a transaction holds.

    Attributes:
        keys: those with a limit of their own, in the order of their turns.
        limited: whether the queue itself has a limit.
        locked: whether rows of the queue may be reserved: its lock was free, or it has no limit.
    """

    keys: list[str]
    limited: bool
    locked: bool


class Granted(NamedTuple):
    """A row that limits let start, and what is the same in all rows; from `id` on None if none may.

    Attributes:
        free: how many of the queue might have started, by its own limits and the room asked for.
        line_done: whether all visible rows without a limited key have been taken.
        again_seconds: until a rate that is used up has room again; None when none is.
        walked_to: the key after which the next look begins.
        place_floor: no place of the queue is older.
        floor_keys, key_floors: no place of these keys is older.
        settled: up to here everything that committed is visible, but for long transactions.
        from_line: whether the row was found in the line, and not by its key.
    """

    free: int
    line_done: bool
    again_seconds: float | None
    walked_to: str
    place_floor: str
    floor_keys: list[str]
    key_floors: list[str]
    settled: str
    from_line: bool | None
    id: int | None
    lease_id: str
    type: str
    queue: str
    priority: int
    attempt: int
    max_attempts: int
    crashes: int
    timeout_seconds: int | None
    run_at: str
    payload: str
    checkpoint: str | None
    wait_seconds: float
    traceparent: str | None

    @property
    def job(self) -> Job | None:
        return None if self.id is None else Job(self.id, *self[10:])


class Skipped(NamedTuple):
    """Where the floor of a line may stand."""

    queue: str
    priority: int
    run_at: str
    id: int


class ScopesWalked(NamedTuple):
    """How a walk over a stretch of scopes went; `came_to` is None when there was none left."""

    came_to: str | None
    deleted: int


class PutBack(NamedTuple):
    """A queue or key whose former limits hold again; `kind` is `queue` or `key`."""

    kind: str
    name: str


async def lock_limits(link: Link, *, queue: str, after: str) -> Locked:
    """Take what locks are free; they last until the transaction ends. Keys behind `after` come first."""
    (row,) = await link.fetch(SQL["limits/lock_limits"], {"queue": queue, "after": after})
    return Locked(*row)


async def adopt(link: Link, *, queue: str, limited: bool, keys: Sequence[str]) -> list[str]:
    """The leases of those that have a place now."""
    parameters = {"queue": queue, "limited": limited, "keys": list(keys)}
    return [lease for (lease,) in await link.fetch(SQL["limits/adopt"], parameters)]


async def reserve_limited(
    link: Link,
    *,
    queue: str,
    worker: int,
    types: Sequence[str],
    room: int,
    keys: Sequence[str],
    probes: Probes,
    place_floor: str,
    key_floors: Mapping[str, str],
    after: str,
    steps: int,
    line_turn: int,
    by_id: bool,
    only: Sequence[int] | None = None,
    seconds: float | None = None,
) -> list[Granted]:
    """At most `room` jobs; no row when the queue is paused.

    Args:
        keys: whose locks this transaction holds.
        place_floor, key_floors: as the last answer said; `-infinity` and none to count all places.
        steps: how many keys to look at, at most.
        line_turn: 0 to take rows without a limited key first, 2 to take them last.
        by_id: whether the smallest ids come first, whatever their priority and key.
    """
    parameters = {
        "queue": queue,
        "worker": worker,
        "types": list(types),
        "room": room,
        "keys": list(keys),
        "priorities": probes.priorities,
        "floors": probes.floors,
        "floor_ids": probes.floor_ids,
        "place_floor": place_floor,
        "floor_keys": list(key_floors),
        "key_floors": list(key_floors.values()),
        "after": after,
        "steps": steps,
        "line_turn": line_turn,
        "by_id": by_id,
        "only": None if only is None else list(only),
    }
    return [Granted(*row) for row in await link.fetch(SQL["limits/reserve_limited"], parameters, seconds)]


async def skip_keyed(link: Link, *, probes: Probes, per_key: bool) -> list[Skipped]:
    """Where floors may stand; `per_key` when every key in these queues has a limit, not only named ones."""
    parameters = {
        "queues": probes.queues,
        "priorities": probes.priorities,
        "floors": probes.floors,
        "floor_ids": probes.floor_ids,
        "per_key": per_key,
    }
    return [Skipped(*row) for row in await link.fetch(SQL["limits/skip_keyed"], parameters)]


async def announce(link: Link) -> bool:
    """Whether this call told the others; if not, another does at this moment."""
    return bool(await link.fetch(SQL["limits/announce"], {}))


async def prune_starts(link: Link, *, after: str, batch: int) -> ScopesWalked:
    """Look at so many scopes after this one."""
    parameters = {"after": after, "batch": batch}
    (row,) = await link.fetch(SQL["limits/prune_starts"], parameters, CHORE_SECONDS)
    return ScopesWalked(*row)


async def put_back(link: Link) -> list[PutBack]:
    return [PutBack(*row) for row in await link.fetch(SQL["limits/put_back"], {}, CHORE_SECONDS)]
