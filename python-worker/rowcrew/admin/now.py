"""What happens now, for whoever watches: the queues worst first, the workers, the newest jobs.

In: a link. Out: a picture of this moment, made of bounded looks. Called by the monitor.
"""

from __future__ import annotations

from typing import Final

import msgspec

from rowcrew.admin import looks
from rowcrew.model.standing import QueueCounts, QueueNow, sentence, standing
from rowcrew.table import operator
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedWorker

_LIVE: Final = frozenset({"live", "draining", "stopping"})
_MOST_WORKERS: Final = 1_000


class Now(msgspec.Struct, frozen=True, rename="camel"):
    """A moment of the whole crew.

    Attributes:
        workers: those that are there; who left or was lost is not.
        cpu_percent: of one core, and of all processes of the live workers together.
    """

    sentence: str
    queues: list[QueueNow]
    workers: list[ListedWorker]

    @property
    def live(self) -> list[ListedWorker]:
        return [worker for worker in self.workers if worker.state in _LIVE]

    @property
    def cpu_percent(self) -> float:
        return sum(worker.cpu_percent or 0.0 for worker in self.live)

    @property
    def memory_bytes(self) -> int:
        return sum(worker.memory_bytes or 0 for worker in self.live)


async def now(link: Link) -> Now:
    """How everything stands. Reads live rows and what workers have counted, and no ended job."""
    unserved: dict[str, list[str]] = {}
    for queue, type in await operator.unserved_types(link):
        unserved.setdefault(queue, []).append(type)
    counts = [
        QueueCounts(**msgspec.structs.asdict(look), unserved_types=unserved.get(look.queue, []))
        for look in await looks.queues(link)
    ]
    queues = standing(counts, await operator.ended_minutes(link))
    workers = await operator.list_workers(
        link, states=("live", "draining", "stopping", "silent"), limit=_MOST_WORKERS
    )
    return Now(sentence(queues, sum(worker.state in _LIVE for worker in workers)), queues, workers)
