"""Lets handlers print at any time: a full pipe holds up nobody, and one whose reader is gone fails no job.

In: `sys.stdout` and `sys.stderr` as Python made them. Out: streams that fit their place, with the same
descriptors. What other code writes to a descriptor itself (C libraries, `faulthandler`, `os.write`, programs
that handlers start) goes past them, and waits as it would anywhere.
"""

from __future__ import annotations

import atexit
import functools
import io
import os
import select
import socket
import stat
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, TextIO

from rowcrew.output import AS_IN_JSON

BUFFERED_BYTES: Final = 1024 * 1024
"""What waits for a slow reader, for each stream; lines beyond that are dropped and counted."""
DRAIN_SECONDS: Final = 1.0
_PIECE: Final = select.PIPE_BUF  # so much or nothing, where another process writes to the same pipe


class _Way(NamedTuple):
    """How to write to a descriptor without waiting: the bytes that went, or `BlockingIOError`."""

    send: Callable[[bytes], int]
    close: Callable[[], None]


class Patient(io.RawIOBase):
    """A descriptor that takes all bytes at once and never raises.

    Bytes go out in the call that brings them, so that the last words before a crash are there. Only when the
    reader is slow they wait, in a buffer of bounded size that a thread empties.

    Args:
        tell_dropped: words the line about so many dropped lines.
    """

    def __init__(self, descriptor: int, *, tell_dropped: Callable[[int], str]) -> None:
        self._descriptor = descriptor
        self._tell_dropped = tell_dropped
        self._target: tuple[int, int] | None = None
        self._way = _Way(len, lambda: None)
        self._start_empty()
        os.register_at_fork(after_in_child=self._start_empty)

    def _start_empty(self) -> None:
        """Also in a copy of the process: what waits is written by the original, whose thread is not here."""
        self._lock = threading.RLock()  # a signal handler may print while its thread does
        self._waiting: deque[bytes] = deque()
        self._bytes_waiting = 0
        self._dropped = 0
        self._emptied = threading.Event()
        self._emptied.set()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def close(self) -> None:
        """It stays open. A wrapper that a handler put around it calls this, at the latest as garbage."""

    def write(self, data: Any) -> int:
        taken = bytes(data)
        with self._lock:
            left = taken if self._waiting else self._out(taken)
            if left:
                self._keep(left)
        return len(taken)

    def drain(self) -> None:
        """Wait for a reader, but not for long."""
        self._emptied.wait(DRAIN_SECONDS)

    def _out(self, data: bytes) -> bytes:
        """What the reader does not take now; nothing if there is no reader any more."""
        try:
            self._aim()
            while data:
                data = data[self._way.send(data) :]
        except BlockingIOError:
            return data
        except (OSError, ValueError):
            return b""
        return b""

    def _aim(self) -> None:
        """Libraries turn the descriptor elsewhere to catch what C code prints; this goes along."""
        found = os.fstat(self._descriptor)
        if (found.st_dev, found.st_ino) != self._target:
            self._way.close()
            self._way = _without_waiting(self._descriptor, found.st_mode)
            self._target = (found.st_dev, found.st_ino)

    def _keep(self, data: bytes) -> None:
        if self._bytes_waiting + len(data) > BUFFERED_BYTES:
            self._dropped += data.count(b"\n")
        else:
            self._append_dropped()
            self._waiting.append(data)
            self._bytes_waiting += len(data)
        if self._waiting and self._emptied.is_set():
            self._emptied.clear()
            with suppress(RuntimeError):  # no thread can be had: the next text tries again
                threading.Thread(target=self._empty, name="printing", daemon=True).start()
                return
            self._emptied.set()

    def _append_dropped(self) -> None:
        if self._dropped:
            told = self._tell_dropped(self._dropped).encode()
            self._dropped = 0
            self._waiting.append(told)
            self._bytes_waiting += len(told)

    def _empty(self) -> None:
        ready = select.poll()
        ready.register(self._descriptor, select.POLLOUT)
        while True:
            ready.poll()
            with self._lock:
                if self._write_waiting():
                    self._emptied.set()
                    return

    def _write_waiting(self) -> bool:
        """Whether all of it went."""
        while self._waiting:
            first = self._waiting.popleft()
            left = self._out(first)
            self._bytes_waiting -= len(first) - len(left)
            if left:
                self._waiting.appendleft(left)
                return False
            if not self._waiting:
                self._append_dropped()
        return True


def _without_waiting(descriptor: int, mode: int) -> _Way:
    """How to write to it without ever waiting; `BlockingIOError` where that would be needed.

    The flag for that belongs to what other processes write to as well, so the descriptor itself stays as is.
    """
    if stat.S_ISREG(mode):
        return _Way(functools.partial(os.write, descriptor), lambda: None)
    if stat.S_ISSOCK(mode):
        own = socket.socket(fileno=os.dup(descriptor))
        return _Way(lambda data: own.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL), own.close)
    try:
        another = os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:  # not our pipe, or a system without these files
        return _Way(functools.partial(_when_ready, descriptor), lambda: None)
    return _Way(functools.partial(os.write, another), functools.partial(os.close, another))


def _when_ready(descriptor: int, data: bytes) -> int:
    ready = select.poll()
    ready.register(descriptor, select.POLLOUT)
    if not ready.poll(0):
        raise BlockingIOError
    return os.write(descriptor, data[:_PIECE])


class _Stream(io.TextIOWrapper):
    """A standard stream, which no handler closes or takes apart for all others.

    Attributes:
        keep: takes every text as well; a line of the log, which goes in by `unkept`, is kept already.
    """

    keep: Callable[[str], None] | None = None

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.keep is not None:
            self.keep(text)
        return written

    def close(self) -> None:
        self.flush()

    def detach(self) -> Any:
        """What is below, for a wrapper of the handler's own; this one goes on as well."""
        self.flush()
        return self.buffer


class Unkept:
    """The way into a standard stream past what it keeps."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = stream.encoding
        self.flush = stream.flush
        self.isatty = stream.isatty

    def write(self, text: str) -> int:
        stream = self._stream
        return io.TextIOWrapper.write(stream, text) if isinstance(stream, _Stream) else stream.write(text)


def keep_with(keep: Callable[[str], None]) -> None:
    """From now on this takes what is printed as well."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, _Stream):
            stream.keep = keep


def make_patient(tell_dropped: Callable[[int], str]) -> None:
    """Put patient streams in the place of standard output and standard error, where there are any."""
    for name in ("stdout", "stderr"):
        with suppress(AttributeError, OSError, ValueError):  # None, or no descriptor
            stream = getattr(sys, name)
            # No buffered writer between them: it raises when a signal handler prints in the midst of a print.
            patient: Any = Patient(stream.fileno(), tell_dropped=tell_dropped)
            made = _Stream(
                patient,
                encoding=stream.encoding,
                errors=AS_IN_JSON,
                line_buffering=True,
            )
            setattr(sys, name, made)
            setattr(sys, f"__{name}__", made)
    atexit.register(finish)  # the first one: after the hooks of user code


def finish() -> None:
    """Write what was printed, as far as somebody reads it within a second."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
            patient = getattr(stream, "buffer", None)
            if isinstance(patient, Patient):
                patient.drain()
