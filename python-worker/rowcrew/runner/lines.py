"""Collects what runs log and print, and hands it to control soon: a page at most of each run in a second.

In: texts from any thread, each within the context of its run. Out: pieces, through the runner's event loop.
What is said outside of any run, or by programs and C code that write to the descriptor itself, is not here.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import os
import threading
import time
from collections.abc import Callable
from typing import Final

from rowcrew.model.excerpt import LONGEST_SAYING, Excerpt
from rowcrew.model.job import Job
from rowcrew.runner.wire import Piece

SOON_SECONDS: Final = 0.05
EVERY_SECONDS: Final = 1.0
FORGOTTEN_SECONDS: Final = 60.0
LARGEST_BYTES: Final = 16 * 1024
"""Of one run in one go; a job that may keep less has as much less here."""


class _Said:
    """What one run has said since control was told."""

    __slots__ = ("began", "due", "excerpt", "is_over", "job", "open_line")

    def __init__(self, job: Job, most_bytes: int, now: float) -> None:
        self.job = job
        self.excerpt = Excerpt(most_bytes)
        self.open_line = ""
        self.began = now
        self.due = now + SOON_SECONDS
        self.is_over = False

    @property
    def is_news(self) -> bool:
        return bool(self.excerpt) or self.is_over


class Lines:
    """The lines of the runs of one runner.

    Args:
        most_bytes: what a job may keep.
        current_job: the job in whose context this is asked.
    """

    def __init__(self, *, most_bytes: int, current_job: Callable[[], Job | None]) -> None:
        self._most_bytes = min(LARGEST_BYTES, max(1, most_bytes // 4))
        self._current_job = current_job
        self._clock = time.monotonic
        self._lock = threading.RLock()  # a signal handler may print while its thread does
        self._said: dict[str, _Said] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._send: Callable[[list[Piece]], None] = lambda _: None
        self._is_clogged: Callable[[], bool] = lambda: False
        self._planned_for = math.inf
        self._has_ended = False
        self._context = contextvars.Context()
        os.register_at_fork(after_in_child=self._leave_to_original)

    def _leave_to_original(self) -> None:
        """In a copy of the process: neither the loop nor the way to control are its own."""
        self._lock = threading.RLock()
        self._loop = None

    def send_to(self, send: Callable[[list[Piece]], None], *, is_clogged: Callable[[], bool]) -> None:
        """From now on, on the running loop, there is somebody to tell.

        Args:
            is_clogged: whether what was sent last has not left yet: until it has, lines wait here, or drop.
        """
        self._loop = asyncio.get_running_loop()
        self._send = send
        self._is_clogged = is_clogged

    def logged(self, line: str) -> None:
        """Take a line, or several that belong together."""
        try:  # noqa: SIM105 - on the way of every line, and `suppress` takes as long as the rest
            self._take(line, is_whole=True)
        except Exception:  # noqa: S110 - whatever is wrong with a line, its handler goes on
            pass

    def printed(self, text: str) -> None:
        """Take what a stream was given: lines, and maybe the beginning of another."""
        try:  # noqa: SIM105 - as above
            self._take(text, is_whole=False)
        except Exception:  # noqa: S110 - as above
            pass

    def ended(self, lease_id: str) -> None:
        """The run is over. Called for every run, and most say nothing."""
        said = self._said.get(lease_id)
        if said is not None:
            with self._lock:
                said.is_over = True
                said.due = min(said.due, self._clock())
                self._has_ended = True

    def tell_ended(self) -> None:
        """What runs said last goes ahead of their ends: a worker that has all ends may leave at once."""
        if self._has_ended:
            self._has_ended = False
            self._tell()

    def tell_rest(self) -> None:
        """The runner leaves: what is not due yet goes now, or never. Called on the loop."""
        with self._lock:
            pieces = self._due_pieces(math.inf)  # by then every run is over: begun lines go, too
        if pieces:
            self._send(pieces)

    def _take(self, text: str, *, is_whole: bool) -> None:
        if self._loop is None or (job := self._current_job()) is None:
            return
        with self._lock:
            now = self._clock()
            said = self._said.get(job.lease_id)
            if said is None:
                said = self._said[job.lease_id] = _Said(job, self._most_bytes, now)
            if not said.excerpt:
                said.began = now
                said.due = max(said.due, now + SOON_SECONDS)
            if is_whole:
                said.excerpt.add(text)
            else:
                _print(said, text)
            if said.excerpt:
                self._plan(said.due)

    def _plan(self, due: float) -> None:
        if due < self._planned_for and self._loop is not None:
            self._planned_for = due
            self._loop.call_soon_threadsafe(self._wait, due, context=self._context)

    def _wait(self, due: float) -> None:
        assert self._loop is not None
        self._loop.call_later(max(0.0, due - self._clock()), self._tell, context=self._context)

    def _tell(self) -> None:
        """Send what is due, and plan what is not."""
        now = self._clock()
        with self._lock:
            self._planned_for = math.inf
            pieces = [] if self._is_clogged() else self._due_pieces(now)
            next_due = min((said.due for said in self._said.values() if said.is_news), default=math.inf)
            if next_due < math.inf:
                self._plan(max(next_due, now + SOON_SECONDS))
        if pieces:
            self._send(pieces)

    def _due_pieces(self, now: float) -> list[Piece]:
        pieces: list[Piece] = []
        for lease_id, said in list(self._said.items()):
            if said.due < now - FORGOTTEN_SECONDS:  # a task that outlived its run has said this
                said.is_over = True
            if said.is_news and said.due <= now:
                pieces += _pieces(said)
                said.due = now + EVERY_SECONDS
                if said.is_over:
                    del self._said[lease_id]
        return pieces


def _print(said: _Said, text: str) -> None:
    if text == "\n":  # `print` writes its end by itself
        said.excerpt.add(said.open_line)
        said.open_line = ""
        return
    whole, end_of_line, begun = (said.open_line + text).rpartition("\n")
    if end_of_line:
        said.excerpt.add(whole)
    if len(begun) > 8 * LONGEST_SAYING:  # a progress bar, say: no end of line ever
        begun = f"{begun[: 2 * LONGEST_SAYING]}{begun[-2 * LONGEST_SAYING :]}"
    said.open_line = begun


def _pieces(said: _Said) -> list[Piece]:
    if said.is_over and said.open_line:
        said.excerpt.add(said.open_line)
        said.open_line = ""
    job = said.job
    return [Piece(job.id, job.attempt, said.began, *part) for part in said.excerpt.take()]
