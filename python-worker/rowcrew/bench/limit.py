"""The same transitions with no worker: what PostgreSQL gives to two connections that only send statements.

The very same statement files as a worker's, at the same batch size, over the same two connections (reserve
commits asynchronously, record durably) in two threads: no runner, no handler, no log line, no heartbeat. The
rest, up to this limit, is what a worker itself costs.
"""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import psycopg

from rowcrew.bench.table import connected
from rowcrew.model.floors import Floor, Floors
from rowcrew.table.arrays import ArrayDumper
from rowcrew.table.link import for_session
from rowcrew.table.statements import SQL

# No worker has this id, so none is ever taken for the holder of these rows.
NOBODY: Final = 0
BATCHES_AHEAD: Final = 4
_STUCK_SECONDS: Final = 60.0

Batch = list[tuple[Any, ...]]


class Limit:
    """Two connections that reserve and record as a worker does, and do nothing in between."""

    def __init__(self, url: str, *, type: str, batch: int) -> None:
        self._types = [type]
        self._batch = batch
        self._reserving = _as_a_workers(url, synchronous_commit="off")
        self._recording = _as_a_workers(url, synchronous_commit="on")
        self._reserved: queue.Queue[Batch] = queue.Queue(BATCHES_AHEAD)
        self._floors = Floors(("default",))

    def __enter__(self) -> Limit:
        return self

    def __exit__(self, *_: object) -> None:
        self._reserving.close()
        self._recording.close()

    def drain(self) -> None:
        """Take every ready row through both transitions."""
        with ThreadPoolExecutor(1) as second_thread:
            recording = second_thread.submit(self._record_all)
            try:
                self._reserve_all()
            finally:
                self._reserved.put([], timeout=_STUCK_SECONDS)
            recording.result()

    def reserve(self) -> Batch:
        """Take the next batch."""
        probes = self._floors.probes()
        parameters = {
            "worker": NOBODY,
            "queues": probes.queues,
            "priorities": probes.priorities,
            "floors": probes.floors,
            "floor_ids": probes.floor_ids,
            "types": self._types,
            "room": self._batch,
            "only": None,
        }
        rows = _rows(self._reserving, "reserve", parameters)
        if rows:
            self._floors.rise([("default", 0, max(Floor(row[9], row[0]) for row in rows))])
        return rows

    def _reserve_all(self) -> None:
        while batch := self.reserve():
            self._reserved.put(batch, timeout=_STUCK_SECONDS)

    def _record_all(self) -> None:
        while batch := self._reserved.get():
            ended = ",".join(
                [
                    f'{{"id":{id},"lease":"{lease}","status":"completed","result":null}}'
                    for id, lease, *_ in batch
                ]
            )
            _rows(self._recording, "record", {"ended": f"[{ended}]", "worker": NOBODY})


def _as_a_workers(url: str, *, synchronous_commit: str) -> psycopg.Connection[Any]:
    """A connection in autocommit with the session settings of a worker's."""
    connection = connected(url)
    connection.adapters.register_dumper(list, ArrayDumper)
    connection.execute(SQL["link/set_config"], for_session({"synchronous_commit": synchronous_commit}))
    return connection


def _rows(connection: psycopg.Connection[Any], name: str, parameters: dict[str, Any]) -> Batch:
    """Rows as tuples of Python values, the way a worker reads them."""
    return connection.execute(SQL[f"worker/{name}"], parameters, prepare=True).fetchall()
