"""What control and a runner say to each other, and how it is framed.

Each message is one frame: its length, the complement of that, then MessagePack. Plain values only, so that
neither side can make the other run anything. Used by `control` and by the runner process.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, cast

import msgspec

from rowcrew.model.job import Job
from rowcrew.model.manifest import Manifest
from rowcrew.model.outcome import Outcome


class Assign(msgspec.Struct, frozen=True, tag="assign"):
    """The order to run these jobs as slots become free, and none that has not begun in time.

    `begin_by` is a time of the monotonic clock that control and its runners share. After it control may take
    a job back without asking: a runner whose interpreter is held by a handler could not answer.
    """

    jobs: list[Job]
    begin_by: float


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """The order to end a run now."""

    lease_id: str


class Withdraw(msgspec.Struct, frozen=True, tag="withdraw"):
    """The order to name the jobs that have not started, and to forget them."""


class Pressure(msgspec.Struct, frozen=True, tag="pressure"):
    """Whether control holds as many values as it may: until it does not, large ones wait where they are."""

    is_high: bool


class Close(msgspec.Struct, frozen=True, tag="close"):
    """The order to leave: nothing runs any more."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The crew is loaded, this is what it can run."""

    manifest: Manifest


class Unloadable(msgspec.Struct, frozen=True, tag="unloadable"):
    """The crew cannot be loaded."""

    error: str


class Note(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The latest progress and checkpoint of a run, as JSON text; None where nothing new was said."""

    lease_id: str
    progress: bytes | None
    checkpoint: bytes | None


class Timing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How many runs of a type ended since the last report, and their seconds together."""

    type: str
    runs: int
    seconds: float


class Report(msgspec.Struct, frozen=True, tag="report"):
    """What happened in one turn of the runner's loop: notes, ends, then the runs that begin now.

    The handlers of `finished` have ended as well: their ends are large, and come when there is room.
    """

    started: list[str]
    ended: list[tuple[str, Outcome]]
    notes: list[Note]
    timings: list[Timing]
    finished: list[str] = []


class Piece(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Lines that a run said in a row, after `dropped` others; `began` is a time of the monotonic clock."""

    job_id: int
    attempt: int
    began: float
    dropped: int
    lines: int
    text: str


class Said(msgspec.Struct, frozen=True, tag="said"):
    """What runs have logged and printed."""

    pieces: list[Piece]


class Withdrawn(msgspec.Struct, frozen=True, tag="withdrawn"):
    """The jobs that were not started; they are control's again."""

    lease_ids: list[str]


ToRunner = Assign | Stop | Withdraw | Pressure | Close
ToControl = Ready | Unloadable | Report | Said | Withdrawn
M = TypeVar("M")

LARGEST_FRAME_BYTES: Final = 1 << 28
# The length twice: what user code writes onto our socket is not waited for as a frame that never comes whole.
_HEAD: Final = struct.Struct(">II")
_ALL_BITS: Final = 0xFFFF_FFFF

_encode: Final = msgspec.msgpack.Encoder().encode


def frame(message: ToRunner | ToControl) -> bytes:
    """The bytes of one message on the wire; a report too large for one frame goes in two."""
    body = _encode(message)
    if len(body) > LARGEST_FRAME_BYTES and isinstance(message, Report) and len(message.ended) > 1:
        return b"".join(frame(half) for half in _halves(message))
    return _HEAD.pack(len(body), len(body) ^ _ALL_BITS) + body


def _halves(report: Report) -> tuple[Report, Report]:
    """Ends of runs first: none may be told after the start of the run that took its slot."""
    middle = len(report.ended) // 2
    return (
        Report([], report.ended[:middle], report.notes, report.timings),
        Report(report.started, report.ended[middle:], [], [], report.finished),
    )


class Channel(asyncio.Protocol, Generic[M]):
    """One end of the socket: hands each message of type `M` to `receive`.

    Args:
        lost: the other end is gone.
        drained: what was sent has left, after the socket had been full.

    Attributes:
        is_full: the other end does not read as fast as this one sends; what is sent waits in memory.
    """

    def __init__(
        self,
        messages: Any,
        *,
        receive: Callable[[M], None],
        lost: Callable[[], None],
        drained: Callable[[], None] = lambda: None,
    ) -> None:
        self._decode = msgspec.msgpack.Decoder(messages).decode
        self._receive = receive
        self._lost = lost
        self._drained = drained
        self.is_full = False
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= _HEAD.size:
            length, complement = _HEAD.unpack_from(buffer, start)
            if length ^ complement != _ALL_BITS or length > LARGEST_FRAME_BYTES:
                return self._give_up()
            body = start + _HEAD.size
            end = body + length
            if len(buffer) < end:
                break
            try:
                message = self._decode(buffer[body:end])
            except (msgspec.MsgspecError, ValueError, RecursionError):
                return self._give_up()
            start = end
            self._receive(message)
        if start:
            del buffer[:start]
        return None

    def _give_up(self) -> None:
        """Something else than the other end has written to the socket: from here on no byte has a meaning."""
        self._buffer.clear()
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._lost()

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        self._drained()

    def send(self, message: ToRunner | ToControl) -> None:
        """Send a message; nothing happens if the other end is gone."""
        if self._transport is not None:
            self._transport.write(frame(message))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
