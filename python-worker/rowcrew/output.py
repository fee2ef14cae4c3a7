"""Where log lines go: a stream that takes every text and never raises, written at once or by a thread.

In: texts of whole lines. Out: what the stream's reader gets. Called by `log` and by the runner's
`handler_log`. `AS_IN_JSON` is for standard output of whatever kind.
"""

from __future__ import annotations

import codecs
import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TextIO

# What waits for a slow reader, in characters; lines beyond that are dropped and counted.
BUFFERED_CHARACTERS: Final = 4 * 2**20
DRAIN_SECONDS: Final = 1.0
# A thread that is woken for each text costs those who wake it more than the text does.
GATHER_SECONDS: Final = 0.005


def _as_in_json(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(
        f"\\u{high:02x}{low:02x}" for high, low in zip(units[::2], units[1::2], strict=True)
    ), error.end


AS_IN_JSON: Final = "rowcrew: as in JSON"
"""How streams write letters that their encoding lacks: so that what is JSON stays JSON."""
codecs.register_error(AS_IN_JSON, _as_in_json)


class Output:
    """A stream that takes every text and never raises: if nobody reads the log any more, the jobs go on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._encoding = stream.encoding or "utf-8"

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                self._stream.write(text.encode(self._encoding, AS_IN_JSON).decode(self._encoding))
            self._stream.flush()

    def flush(self) -> None:
        """Nothing is buffered."""


class BackgroundOutput:
    """An output that never blocks its callers: a thread of its own waits for the reader of the log.

    Texts wait in a buffer of bounded size. What does not fit is dropped, and the next text that fits is
    preceded by a line that says how many lines were. Where the machine has no room for a thread, they wait
    until it has.

    Args:
        tell_dropped: words the line about so many dropped lines.
    """

    def __init__(self, stream: TextIO, *, tell_dropped: Callable[[int], str]) -> None:
        self._tell_dropped = tell_dropped
        self._dropped = 0
        # Each is written by one thread only: callers and writer need no lock to know what waits.
        self._given = self._written = 0
        self._texts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._write = _writer(stream)
        self._thread: threading.Thread | None = None
        self._start()

    def write(self, text: str) -> None:
        if self._dropped:
            text = self._tell_dropped(self._dropped) + text
        if self._given - self._written + len(text) > BUFFERED_CHARACTERS:
            self._dropped += text.count("\n") - (self._dropped > 0)
            return
        self._dropped = 0
        self._given += len(text)
        self._texts.put(text)
        if self._thread is None:
            self._start()

    def close(self) -> bool:
        """Whether everything was written within a second; if not, the thread is left to the process's end."""
        self._closing.set()
        self._texts.put(None)
        if self._thread is None:
            self._run()  # nobody else ever will
            return True
        self._thread.join(DRAIN_SECONDS)
        return not self._thread.is_alive()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="log", daemon=True)
        with suppress(RuntimeError):  # can't start new thread
            thread.start()
            self._thread = thread

    def _run(self) -> None:
        while (text := self._gathered()) is not None:
            self._write(text)
            self._written += len(text)
            self._closing.wait(GATHER_SECONDS)

    def _gathered(self) -> str | None:
        """All that waits, as soon as something does; None at the end."""
        texts: list[str] = []
        text = self._texts.get()
        while text is not None:
            texts.append(text)
            try:
                text = self._texts.get_nowait()
            except queue.Empty:
                return "".join(texts)
        if not texts:
            return None
        self._texts.put(None)  # for the next call
        return "".join(texts)


def _writer(stream: TextIO) -> Callable[[str], None]:
    """Past the stream's own buffer where it has a descriptor: a thread that waits in there would hold its
    lock.

    Python flushes standard output when it ends, and aborts when another thread has the lock.
    """
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return Output(stream).write
    encoding = stream.encoding or "utf-8"

    def write(text: str) -> None:
        left = memoryview(text.encode(encoding, AS_IN_JSON))
        with suppress(OSError):
            while left:
                left = left[os.write(descriptor, left) :]

    return write
