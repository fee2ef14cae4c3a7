"""The one who watches jobs for everybody: one statement a second, however many streams there are.

In: streams, each of a job and of the place it has come to. Out: how the job stands and what it has said, when
that is new. A stream that is not read is not asked for again. Called by the API's event streams.
"""

from __future__ import annotations

import asyncio
from typing import Final

import psycopg

from rowcrew.model.errors import RowcrewError
from rowcrew.table import looks
from rowcrew.table.looks import WatchedJob
from rowcrew.web.links import Links, TooMany

MOST_STREAMS: Final = 300
_PERIOD_SECONDS: Final = 1.0


class Stream:
    """One who watches a job.

    Args:
        after: the row of `job_logs` that was seen last.

    Attributes:
        sight: what was seen last and nobody has taken yet.
        is_gone: whether the job was there at the last look.
    """

    def __init__(self, job: int, *, after: int) -> None:
        self.job = job
        self.after = after
        self.is_gone = False
        self.is_over = False
        self._sight: WatchedJob | None = None
        self._came = asyncio.Event()

    @property
    def is_waiting(self) -> bool:
        """Whether it has taken what was seen, and wants more."""
        return self._sight is None and not self.is_gone

    async def sight(self) -> WatchedJob | None:
        """How the job stands at the next look; None when it is gone, or the server stops."""
        await self._came.wait()
        self._came.clear()
        sight, self._sight = self._sight, None
        return sight

    def show(self, sight: WatchedJob | None) -> None:
        self._sight, self.is_gone = sight, sight is None
        self._came.set()

    def end(self) -> None:
        self.is_over = True
        self._sight = None
        self._came.set()


class Watcher:
    """Looks once a second at all jobs that somebody watches; not at all while nobody does.

    Args:
        links: on which it looks.
        stream_seconds: when it ends a stream, whose client then comes again; None = never.
    """

    def __init__(self, links: Links, *, stream_seconds: float | None = None) -> None:
        self._links = links
        self._stream_seconds = stream_seconds
        self._streams: set[Stream] = set()
        self._watching: asyncio.Task[None] | None = None

    def open(self, job: int, *, after: int) -> Stream:
        """
        Raises:
            TooMany: there are as many streams as there may be.
        """
        if len(self._streams) >= MOST_STREAMS:
            raise TooMany(f"{MOST_STREAMS} streams are open, the most there may be; close one")
        stream = Stream(job, after=after)
        self._streams.add(stream)
        if self._stream_seconds is not None:
            asyncio.get_running_loop().call_later(self._stream_seconds, stream.end)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        return stream

    def close(self, stream: Stream) -> None:
        self._streams.discard(stream)

    def stop(self) -> None:
        """End all streams: their clients come again, to the next process."""
        if self._watching is not None:
            self._watching.cancel()
        for stream in self._streams:
            stream.end()

    async def _watch(self) -> None:
        while self._streams:
            waiting: dict[tuple[int, int], list[Stream]] = {}
            for stream in self._streams:
                if stream.is_waiting:
                    waiting.setdefault((stream.job, stream.after), []).append(stream)
            if waiting:
                await self._look(waiting)
            await asyncio.sleep(_PERIOD_SECONDS)

    async def _look(self, waiting: dict[tuple[int, int], list[Stream]]) -> None:
        """An outage is not told: the stream stays as it is until the database answers again."""
        jobs, afters = zip(*waiting, strict=True)
        try:
            async with self._links.lent() as link:
                found = await looks.watch_jobs(link, jobs=jobs, afters=afters)
        except (psycopg.Error, RowcrewError):
            return
        seen = {(one.id, one.after): one for one in found}
        for place, streams in waiting.items():
            for stream in streams:
                stream.show(seen.get(place))
