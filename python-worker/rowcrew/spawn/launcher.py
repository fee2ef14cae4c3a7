"""What every launcher is: it starts a worker somewhere, lists what it started, and ends it.

The spawner calls a launcher only after the worker's row is committed, and tells what came of it in that row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class LaunchFailed(Exception):
    """A worker that did not start: the message says why, in the words of the place, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One worker to be started, as its row has it.

    `arguments` are those of the program `rowcrew` (`worker --queue ai --ephemeral …`); `environment` is what
    the worker needs beyond what the place gives it (ids and names, never a payload). `seconds` bounds the
    worker's life, its drain included (None: unbounded). `cpu` is in cores, `memory` in bytes (None: its own).
    """

    name: str
    boot_id: str
    queue: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    seconds: int | None = None
    cpu: float | None = None
    memory: int | None = None


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

    def running(self) -> Sequence[str]:
        """The handles of workers that this spawner's installation started and that have not ended."""
        ...

    def end(self, handle: str) -> None:
        """Ask a worker to end as a signal would; a handle that is unknown or has ended is no error."""
        ...
