"""What every launcher is: it starts a worker somewhere, lists what it started, and ends it.

The spawner calls a launcher only after the worker's row is committed, and tells what came of it in that row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class PlaceFailed(Exception):
    """A place that did not answer, or refused: the message says why, in its words, and what to do."""


class LaunchFailed(PlaceFailed):
    """A worker that did not start."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One worker to be started, as its row has it.

    `slots` is how many jobs it runs at once. `seconds` bounds its life, its drain included (None: unbounded).
    `cpu` is in cores, `memory` in bytes (None: its own).
    """

    name: str
    boot_id: str
    queue: str
    slots: int
    seconds: int | None = None
    cpu: float | None = None
    memory: int | None = None

    @property
    def arguments(self) -> Sequence[str]:
        """What the program `rowcrew` is called with."""
        return ("worker", "--queue", self.queue, "--ephemeral", "--concurrency", str(self.slots))

    @property
    def environment(self) -> Mapping[str, str]:
        """What the worker needs beyond what the place gives it."""
        return {"ROWCREW_BOOT_ID": self.boot_id, "WORKER_ID": self.name}


class Launcher(Protocol):
    """A place where workers are started."""

    @property
    def name(self) -> str:
        """The word for it in the column launcher: process, ecs, kubernetes, …"""
        ...

    def start(self, launch: Launch) -> str:
        """Start a worker and give its handle, which the row keeps.

        A repeat with the same `boot_id` starts nothing more where the place can tell. Raises LaunchFailed.
        """
        ...

    def running(self) -> Sequence[str] | None:
        """The handles of workers that this spawner's installation started and that have not ended.

        None: the place cannot tell, and only the table knows. Raises PlaceFailed.
        """
        ...

    def end(self, handle: str) -> None:
        """Ask a worker to end as a signal would; a handle that is unknown or has ended is no error.

        A place without signals does nothing: the worker reads in its row that it shall end. Raises
        PlaceFailed.
        """
        ...
