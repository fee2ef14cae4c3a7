"""What the types of a crew and the rows of `queues` say about running jobs. The one owner of both.

In: the manifest, once, and the queues' rows, whenever they were read. Out: answers to every organ of control.
"""

from __future__ import annotations

from collections.abc import Mapping

from rowcrew.model.backoff import Backoff
from rowcrew.model.job import Job
from rowcrew.model.manifest import Manifest


class Catalogue:
    """What may run, where and how long.

    Args:
        default_limit: seconds that a run may take when job, type and queue set no limit.

    Attributes:
        names: the types, in order; no others are ever reserved.
        solo: the types that run in a runner of their own.
    """

    def __init__(self, manifest: Manifest, *, default_limit: float | None = None) -> None:
        types = sorted(manifest.types, key=lambda type: type.name)
        self.names = tuple(type.name for type in types)
        self.solo = frozenset(type.name for type in types if type.executor == "process")
        self._backoffs = {type.name: type.backoff for type in types}
        self._type_limits = {type.name: type.timeout_seconds for type in types}
        self._queue_limits: dict[str, float] = {}
        self._default_limit = default_limit

    def queues_say(self, limits: Mapping[str, float]) -> None:
        """Take the limits of all queues that have one; runs that begin from now on obey them."""
        self._queue_limits = dict(limits)

    def backoff(self, type: str) -> Backoff:
        return self._backoffs[type]

    def limit_seconds(self, job: Job) -> float | None:
        """The limit of one run: its row's, its type's, its queue's or everybody's; None = no limit."""
        return (
            job.timeout_seconds
            or self._type_limits[job.type]
            or self._queue_limits.get(job.queue)
            or self._default_limit
        )
