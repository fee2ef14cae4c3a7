"""A file under way to the worker: what fetching from S3 and from a URL have in common.

In: parts of a file, from a connection. Out: a filled file, or the reason to give up: too large, too slow, too
late, cancelled. A blocked read cannot look at the clock, so a watch beside it hangs up the connection. Called
by `fetch` and `s3`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Final

import msgspec
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from rowcrew import RowcrewError
from rowcrew.context import PermanentError, RunStopped

PART_BYTES: Final = 64 * 1024
_LOOK_SECONDS: Final = 0.2


class TransferFailed(RowcrewError):
    """The server or the network failed; a later attempt of the job may succeed."""


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """When to give up.

    Attributes:
        deadline_seconds: for everything, all attempts together.
        silence_seconds: for a connection, and between two packets.
        window_seconds, window_bytes: fewer bytes in such a time are too slow.
        attempts: how often to begin; each failure doubles the range that the next wait is drawn from.
        longest_wait_seconds: where that doubling ends.
    """

    deadline_seconds: float = 600
    silence_seconds: float = 10
    window_seconds: float = 30
    window_bytes: int = 64 * 1024
    attempts: int = 5
    longest_wait_seconds: float = 10


class Arrival:
    """One file under way, and how long to wait for it. A new attempt may go on from its `size` so far."""

    def __init__(
        self,
        file: IO[bytes],
        most_bytes: int,
        cancelled: Callable[[], bool],
        patience: Patience,
    ) -> None:
        self._file = file
        self._most_bytes = most_bytes
        self._cancelled = cancelled
        self.patience = patience
        self._deadline = time.monotonic() + patience.deadline_seconds
        self._taken = 0
        self._end: BaseException | None = None
        self.size = 0

    def attempt_until_there(self, attempt: Callable[[], None]) -> None:
        """Call `attempt` until it returns.

        Raises:
            TransferFailed: the last failure, when attempts or time have run out.
            PermanentError: as `attempt` raised it.
            RunStopped: the run was cancelled.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(TransferFailed),
            wait=wait_random_exponential(multiplier=0.5, max=self.patience.longest_wait_seconds),
            stop=stop_after_attempt(self.patience.attempts)
            | stop_before_delay(self.patience.deadline_seconds),
            sleep=self._wait,
            reraise=True,
        )
        retrying(attempt)

    def take(self, part: bytes) -> None:
        """Add a part to the file."""
        if self._end is not None:  # what a connection brings after it was hung up may be anything
            raise self._end
        self.require_room(self.size + len(part))
        self._file.write(part)
        self.size += len(part)
        self._taken += len(part)

    def require_room(self, size: int) -> None:
        """Refuse a file of more bytes than allowed, as soon as that is known."""
        if size > self._most_bytes:
            raise PermanentError(
                f"the source has {size:,} bytes or more, which is more than the {self._most_bytes:,} allowed"
            )

    def restart(self) -> None:
        """Forget what has arrived."""
        self._file.seek(0)
        self._file.truncate()
        self.size = 0

    @contextmanager
    def watched(self, hang_up: Callable[[], object]) -> Iterator[None]:
        """A block in which `hang_up` is called as soon as waiting is pointless; the exception says why."""
        self._end = None
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(over, hang_up), name="arrival-watch", daemon=True)
        watch.start()
        try:
            yield
        except Exception:
            if self._end is not None:
                raise self._end from None
            raise
        finally:
            over.set()
            watch.join()
        if self._end is not None:
            raise self._end

    def _watch(self, over: threading.Event, hang_up: Callable[[], object]) -> None:
        window_ends, taken_before = time.monotonic() + self.patience.window_seconds, self._taken
        while not over.wait(_LOOK_SECONDS):
            now = time.monotonic()
            if self._cancelled():
                self._end = RunStopped()
            elif now > self._deadline:
                self._end = TransferFailed(f"it did not arrive within {self.patience.deadline_seconds:g} s")
            elif now > window_ends:
                if self._taken - taken_before < self.patience.window_bytes:
                    self._end = TransferFailed(
                        f"it sends less than {self.patience.window_bytes:,} bytes"
                        f" in {self.patience.window_seconds:g} s"
                    )
                window_ends, taken_before = now + self.patience.window_seconds, self._taken
            if self._end is not None:
                with suppress(OSError, ValueError, RuntimeError):  # it is closed already
                    hang_up()
                return

    def _wait(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            if self._cancelled():
                raise RunStopped
            time.sleep(min(left, _LOOK_SECONDS))
