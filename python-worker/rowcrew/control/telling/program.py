"""A program that tells one receiver of one message: started without a shell, killed when it takes too long.

In: its words, the bytes for its standard input, a time limit. Out: None, or why it failed, in its own last
words. Nothing of it is waited for but its exit, and no output can fill this process. Called by `tell`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from rowcrew.control.children.child import Child
from rowcrew.control.children.leftovers import MARK, end_marked, new_mark
from rowcrew.model.cleaning import clean_line

_READ_BYTES: Final = 65_536
_KEPT_BYTES: Final = 2000


async def run_program(
    words: Sequence[str], given: bytes, *, environment: Mapping[str, str], seconds: float
) -> str | None:
    """Run it with `given` as its standard input; why it failed, None when it exited with 0.

    It is killed with its process group, and all that was started below it, when the time is over or the
    worker stops.
    """
    mark = new_mark()
    with tempfile.TemporaryFile() as stdin, _LastWords() as last_words:
        stdin.write(given)
        stdin.seek(0)
        try:
            child = Child(
                words,
                environment={**environment, MARK: mark},
                stdin=stdin.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=last_words.end,
            )
        except (OSError, RuntimeError) as error:
            return f"{words[0]} cannot be started: {error.strerror if isinstance(error, OSError) else error}"
        last_words.close_end()
        try:
            async with asyncio.timeout(seconds):
                code = await child.wait()
        except TimeoutError:
            return f"no answer within {seconds:g} seconds"
        finally:
            await _end(child, mark)
        if code == 0:
            return None
        said = last_words.text()
        return said or (f"exit code {code}" if code > 0 else f"killed by {signal.Signals(-code).name}")


async def _end(child: Child, mark: str) -> None:
    """Kill what is left of it. Its id is its own until its end was waited for."""
    if child.pid in Child.alive:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        with suppress(OSError, RuntimeError):  # whom it was to tell is told, whatever it has left
            await asyncio.to_thread(end_marked, mark)
        await child.wait()


class _LastWords:
    """What a program writes to its standard error: the end of it is kept, the rest goes nowhere."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._kept = b""

    def __enter__(self) -> _LastWords:
        self._ours, self.end = os.pipe()
        os.set_blocking(self._ours, False)
        self._loop.add_reader(self._ours, self._read)
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.remove_reader(self._ours)
        os.close(self._ours)
        self.close_end()

    def close_end(self) -> None:
        """Leave the end that writes to the program alone."""
        if self.end >= 0:
            os.close(self.end)
            self.end = -1

    def text(self) -> str:
        """The last words, in one cleaned line."""
        self._read()
        return clean_line(self._kept.decode("utf-8", "replace"))

    def _read(self) -> None:
        with suppress(BlockingIOError):
            part = os.read(self._ours, _READ_BYTES)
            self._kept = (self._kept + part)[-_KEPT_BYTES:]
            if not part:
                self._loop.remove_reader(self._ours)
