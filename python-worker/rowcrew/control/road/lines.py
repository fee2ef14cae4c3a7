"""Stores what handlers logged and printed, once a second, with their jobs.

In: pieces from `reports`. Out: rows of `job_logs`. Nobody waits for it: while the database takes nothing, so
many bytes are held, and what comes beyond is dropped and counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
import psycopg

from rowcrew.control.clock import Clock
from rowcrew.control.outage import Outage
from rowcrew.control.road.notes import portions
from rowcrew.log import Log
from rowcrew.runner.wire import Piece
from rowcrew.table import job_lines as table
from rowcrew.table.link import Link, is_outage

EVERY_SECONDS: Final = 1.0
MOST_BYTES: Final = 2 * 1024 * 1024
MOST_LINES: Final = 1_000
"""What a job may keep, beside its bytes."""
_BYTES_OF_A_PIECE: Final = 200


class Lines:
    """The writer of what runs say.

    Args:
        most_bytes: what is kept of one job.
    """

    def __init__(self, *, link: Link, most_bytes: int, clock: Clock, log: Log) -> None:
        self._link = link
        self._most_bytes = most_bytes
        self._clock = clock
        self._log = log
        self._outage = Outage(link=link, purpose="lines", log=log)
        self._pieces: list[Piece] = []
        self._bytes = 0
        self._dropped = 0
        self._arrived = asyncio.Event()
        self._storing = asyncio.Lock()

    def add(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            size = _size(piece)
            if self._bytes + size > MOST_BYTES:
                self._dropped += piece.lines + piece.dropped
            else:
                self._pieces.append(piece)
                self._bytes += size
        self._arrived.set()

    async def run(self) -> None:
        while True:
            await self._arrived.wait()
            await self.once()
            await self._clock.sleep(EVERY_SECONDS)

    async def once(self) -> None:
        """Store what has come by now. While there is an outage it stays, as far as there is room.

        Who leaves waits for what is being stored as well: its pieces are here no more, and a task that is
        cancelled would take them along.
        """
        async with self._storing:
            await self._store_all()

    async def _store_all(self) -> None:
        self._arrived.clear()
        pieces, self._pieces, self._bytes = self._pieces, [], 0
        try:
            for portion in portions(pieces, [_size(piece) for piece in pieces]):
                await self._store(portion)
        except psycopg.Error as error:
            self._outage.met(error)
            if is_outage(error):
                newer, self._pieces, self._bytes = self._pieces, [], 0
                self.add([*pieces, *newer])
            else:
                self._dropped += sum(piece.lines + piece.dropped for piece in pieces)
            return
        self._outage.passed()
        if self._dropped:
            self._log.event("lines.dropped", lines=self._dropped)
            self._dropped = 0

    async def _store(self, pieces: list[Piece]) -> None:
        try:
            crowded = await self._keep(pieces)
        except psycopg.errors.UntranslatableCharacter:  # the database is in an encoding of less
            crowded = await self._keep([_in_ascii(piece) for piece in pieces])
        if crowded:
            await table.trim_lines(
                self._link, jobs=crowded, most_bytes=self._most_bytes, most_lines=MOST_LINES
            )

    async def _keep(self, pieces: list[Piece]) -> list[int]:
        document = msgspec.json.encode(
            [
                {
                    "job": piece.job_id,
                    "attempt": piece.attempt,
                    "age": self._clock.now() - piece.began,
                    "lines": piece.lines,
                    "dropped": piece.dropped,
                    "text": piece.text,
                }
                for piece in pieces
            ]
        ).decode()
        return await table.keep_lines(
            self._link, pieces=document, most_bytes=self._most_bytes, most_lines=MOST_LINES
        )


def _size(piece: Piece) -> int:
    return len(piece.text) + _BYTES_OF_A_PIECE


def _in_ascii(piece: Piece) -> Piece:
    return msgspec.structs.replace(piece, text=piece.text.encode("ascii", "backslashreplace").decode())
