"""The launcher `command`: a program of the operator's starts the worker, wherever it likes.

In: a launch, and the program that LAUNCH_COMMANDS has under the name in `queues."launchCommand"`. Out: the
last line that the program printed, as the handle. Made by `places`.

The row names a program and cannot say what it is: the right to write into `queues` is no right to run
programs here.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rowcrew.model.cleaning import clean_line
from rowcrew.spawn.launcher import Launch, LaunchFailed

_SECONDS: Final = 60.0


class CommandLauncher:
    """Workers that one program starts. It gets the worker's arguments after its own, and the variables.

    Args:
        words: the program and its own arguments.
        environment_with: makes its environment from these variables and those of this process.
    """

    name: Final = "command"

    def __init__(self, *, words: Sequence[str], environment_with: Callable[..., Mapping[str, str]]) -> None:
        self._words = list(words)
        self._environment_with = environment_with

    def start(self, launch: Launch) -> str:
        try:
            done = subprocess.run(
                [*self._words, *launch.arguments],
                env=dict(self._environment_with(**launch.environment, **_bounds(launch))),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LaunchFailed(f"{self._words[0]}: {clean_line(str(error))}") from error
        if done.returncode:
            said = _last_line(done.stderr) or _last_line(done.stdout) or "it said nothing"
            raise LaunchFailed(f"{self._words[0]} exited with {done.returncode}: {said}")
        return _last_line(done.stdout) or launch.boot_id

    def running(self) -> None:
        """The program starts workers and cannot tell of them. Their rows do."""

    def end(self, handle: str) -> None:
        """Nothing: such a worker is asked to end in its row, with `rowcrew workers terminate`."""


def _bounds(launch: Launch) -> dict[str, str]:
    """What the program may want to know of the worker to start, for places that take such numbers."""
    known = {
        "LAUNCH_NAME": launch.name,
        "LAUNCH_QUEUE": launch.queue,
        "LAUNCH_SECONDS": launch.seconds,
        "LAUNCH_CPU": launch.cpu,
        "LAUNCH_MEMORY": launch.memory,
    }
    return {name: str(value) for name, value in known.items() if value is not None}


def _last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return clean_line(lines[-1]) if lines else ""
