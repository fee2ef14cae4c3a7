"""What all requests of one process share.

Made by `app`, handed to every operation of the API and to every page.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from rowcrew.web.bulk import Bulks
from rowcrew.web.links import Links
from rowcrew.web.sampler import Sampler
from rowcrew.web.watcher import Watcher

_MOST_LINKS: Final = 4


class Shared(NamedTuple):
    """The connections, and who uses them for everybody.

    Attributes:
        name: how the database is called among several; None = it is the only one.
        address: of the database, for error texts; never shown with its password.
        looking, changing: connections of requests.
        sampling: the one of those who look for everybody.
    """

    name: str | None
    address: str
    looking: Links
    changing: Links
    sampling: Links
    sampler: Sampler
    watcher: Watcher
    bulks: Bulks

    def stop(self) -> None:
        """Let no stream and no bulk change keep the process from its end."""
        self.watcher.stop()
        self.bulks.stop()

    async def close(self) -> None:
        self.stop()
        await self.sampler.stop()
        for links in (self.sampling, self.looking, self.changing):
            await links.close()


def shared(address: str, *, name: str | None = None, stream_seconds: float | None = None) -> Shared:
    looking = Links(address, purpose="web", most=_MOST_LINKS, only_looks=True)
    changing = Links(address, purpose="web changes", most=_MOST_LINKS, only_looks=False)
    sampling = Links(address, purpose="web sampler", most=1, only_looks=True)
    return Shared(
        name=name,
        address=address,
        looking=looking,
        changing=changing,
        sampling=sampling,
        sampler=Sampler(sampling),
        watcher=Watcher(sampling, stream_seconds=stream_seconds),
        bulks=Bulks(looking=looking, changing=changing),
    )
