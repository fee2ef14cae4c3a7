"""What control and runner say arrives as it was said, however the socket cuts it."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowcrew import Backoff
from rowcrew.model.job import Job
from rowcrew.model.manifest import Manifest, TypeManifest
from rowcrew.model.outcome import Cancelled, Completed, Errored, Lost, Outcome, Recorded, Released, Snoozed
from rowcrew.runner.wire import (
    Assign,
    Channel,
    Close,
    Note,
    Ready,
    Report,
    Stop,
    Timing,
    ToControl,
    ToRunner,
    Unloadable,
    Withdraw,
    Withdrawn,
    frame,
)

text = st.text(st.characters(codec="utf-8"), max_size=20)
data = st.binary(max_size=50)
whole = st.integers(-(2**63), 2**63 - 1)
seconds = st.floats(allow_nan=False)

jobs = st.builds(
    Job,
    id=whole,
    lease_id=text,
    type=text,
    queue=text,
    priority=whole,
    attempt=whole,
    max_attempts=whole,
    crashes=whole,
    timeout_seconds=st.none() | whole,
    run_at=text,
    payload=text,
    checkpoint=st.none() | text,
)
outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Completed, result=st.none() | data, children=st.none() | data),
    st.builds(Recorded),
    st.builds(
        Errored,
        error=text,
        traceback=st.none() | text,
        permanent=st.booleans(),
        after_seconds=st.none() | seconds,
        memory_bytes=st.none() | whole,
    ),
    st.builds(Snoozed, delay_seconds=seconds),
    st.builds(Cancelled, reason=text),
    st.builds(Lost, error=text, blamed=st.booleans(), memory_bytes=st.none() | whole),
    st.builds(Released, reason=text),
)
type_manifests = st.builds(
    TypeManifest,
    name=text,
    executor=st.sampled_from(["async", "thread", "process"]),
    queue=st.none() | text,
    priority=st.none() | whole,
    max_attempts=st.none() | whole,
    timeout_seconds=st.none() | seconds,
    backoff=st.builds(Backoff, base_seconds=st.floats(0, 100), jitter=st.booleans()),
    description=text,
    payload_schema=data,
)
to_runner: st.SearchStrategy[ToRunner] = st.one_of(
    st.builds(Assign, st.lists(jobs, max_size=3), begin_by=seconds),
    st.builds(Stop, text),
    st.builds(Withdraw),
    st.builds(Close),
)
to_control: st.SearchStrategy[ToControl] = st.one_of(
    st.builds(Ready, st.builds(Manifest, types=st.lists(type_manifests, max_size=2).map(tuple))),
    st.builds(Unloadable, text),
    st.builds(
        Report,
        started=st.lists(text, max_size=3),
        ended=st.lists(st.tuples(text, outcomes), max_size=3),
        notes=st.lists(st.builds(Note, text, st.none() | data, st.none() | data), max_size=3),
        timings=st.lists(st.builds(Timing, text, whole, seconds), max_size=3),
    ),
    st.builds(Withdrawn, st.lists(text, max_size=3)),
)


class End:
    """The receiving end of a channel, fed by hand."""

    def __init__(self, messages: Any) -> None:
        self.heard: list[Any] = []
        self.losses = 0
        self.channel: Channel[Any] = Channel(messages, receive=self.heard.append, lost=self._lost)
        self.is_open = True

    def _lost(self) -> None:
        self.losses += 1

    def abort(self) -> None:
        """As a transport does."""
        self.is_open = False

    def feed(self, *chunks: bytes) -> list[Any]:
        self.channel.connection_made(self)  # type: ignore[arg-type]
        for chunk in chunks:
            self.channel.data_received(chunk)
        return self.heard


@given(st.lists(to_runner, max_size=4))
def test_what_control_says_arrives_in_one_chunk(messages: list[ToRunner]) -> None:
    assert End(ToRunner).feed(b"".join(map(frame, messages))) == messages


@given(st.lists(to_control, max_size=4))
def test_what_a_runner_says_arrives_in_one_chunk(messages: list[ToControl]) -> None:
    assert End(ToControl).feed(b"".join(map(frame, messages))) == messages


@settings(max_examples=30)
@given(to_control, to_control)
def test_two_frames_may_be_cut_at_any_byte(first: ToControl, second: ToControl) -> None:
    sent = frame(first) + frame(second)
    for cut in range(len(sent) + 1):
        assert End(ToControl).feed(sent[:cut], sent[cut:]) == [first, second]


@settings(max_examples=30)
@given(st.lists(to_runner, max_size=3), st.integers(1, 7))
def test_frames_may_come_in_chunks_of_any_size(messages: list[ToRunner], size: int) -> None:
    sent = b"".join(map(frame, messages))
    chunks = [sent[start : start + size] for start in range(0, len(sent), size)]
    assert End(ToRunner).feed(*chunks) == messages


def test_a_message_is_heard_as_soon_as_its_last_byte_is_there() -> None:
    end = End(ToRunner)
    sent = frame(Stop("a")) + frame(Stop("b"))
    assert end.feed(sent[:-1]) == [Stop("a")]
    assert end.feed(sent[-1:]) == [Stop("a"), Stop("b")]


def test_a_huge_frame_arrives_whole() -> None:
    report = Report([], [("lease", Completed(b"x" * 30_000_000))], [], [])
    sent = frame(report)
    chunks = [sent[start : start + 65_536] for start in range(0, len(sent), 65_536)]
    assert End(ToControl).feed(*chunks) == [report]


@pytest.mark.parametrize("body", [b"", b"\xc1", b"nonsense", msgspec.msgpack.encode(["unknown"])])
def test_what_is_no_message_ends_the_connection(body: bytes) -> None:
    end = End(ToRunner)
    head = len(body).to_bytes(4, "big") + (len(body) ^ 0xFFFF_FFFF).to_bytes(4, "big")
    end.feed(head + body + frame(Withdraw()))
    assert (end.heard, end.is_open) == ([], False)


@pytest.mark.parametrize("garbage", [b"\0\x10\0\0half", b"\xff\xff\xff\xff\0\0\0\0", b"\0\0\0\x04\0\0\0\x04"])
def test_a_length_that_no_frame_has_ends_the_connection_before_its_bytes_come(garbage: bytes) -> None:
    end = End(ToRunner)
    end.feed(garbage)
    assert not end.is_open


def test_garbage_shorter_than_a_head_ends_the_connection_with_the_next_frame() -> None:
    end = End(ToRunner)
    end.feed(b"\0\0\0" + frame(Withdraw()))
    assert (end.heard, end.is_open) == ([], False)


def test_a_runner_takes_no_message_meant_for_control() -> None:
    end = End(ToRunner)
    end.feed(frame(Unloadable("x")))
    assert (end.heard, end.is_open) == ([], False)


def test_a_report_too_large_for_one_frame_goes_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowcrew.runner.wire.LARGEST_FRAME_BYTES", 250)
    ended: list[tuple[str, Outcome]] = [(str(number), Completed(b"x" * 100)) for number in range(5)]
    heard = End(ToControl).feed(frame(Report(["next"], ended, [Note("0", None, None)], [])))
    assert [end for report in heard for end in report.ended] == ended
    assert [report.started for report in heard][-1] == ["next"]
    assert sum(len(report.started) + len(report.notes) for report in heard) == 2


@pytest.mark.anyio
async def test_both_ends_of_a_socket_hear_each_other_until_one_is_closed() -> None:
    import socket

    loop = asyncio.get_running_loop()
    mine, theirs = socket.socketpair()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    lost = asyncio.Event()
    control: Channel[ToControl] = Channel(ToControl, receive=heard.put_nowait, lost=lost.set)
    runner: Channel[ToRunner] = Channel(ToRunner, receive=heard.put_nowait, lost=lost.set)
    await loop.create_connection(lambda: control, sock=mine)
    await loop.create_connection(lambda: runner, sock=theirs)
    control.send(Stop("a"))
    assert await asyncio.wait_for(heard.get(), 30) == Stop("a")
    runner.send(Withdrawn(["a"]))
    assert await asyncio.wait_for(heard.get(), 30) == Withdrawn(["a"])
    control.close()
    await asyncio.wait_for(lost.wait(), 30)
    control.send(Stop("b"))
    runner.close()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_channel_says_that_the_other_end_does_not_read_and_when_it_does(loop: str) -> None:
    """By a loop of each kind: both have buffers of their own beside the socket's."""
    with asyncio.Runner(loop_factory=pytest.importorskip(loop).new_event_loop) as runner:
        runner.run(_fill_and_drain())


async def _fill_and_drain() -> None:
    import socket

    mine, theirs = socket.socketpair()
    for end in (mine, theirs):
        end.setblocking(False)
    drained = asyncio.Event()
    channel: Channel[ToRunner] = Channel(
        ToRunner, receive=lambda _: None, lost=lambda: None, drained=drained.set
    )
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: channel, sock=mine)
    report = Report([], [("lease", Completed(b"x" * 1_000_000))], [], [])
    sent = 0
    while not bool(channel.is_full):
        channel.send(report)
        sent += 1
        await asyncio.sleep(0)  # a loop may send at its next turn only
    assert not drained.is_set()
    assert sent < 50
    left = sent * len(frame(report))
    async with asyncio.timeout(30):
        while left:
            left -= len(await loop.sock_recv(theirs, 1 << 20))
        await drained.wait()
    assert not bool(channel.is_full)
    channel.close()
    theirs.close()


def test_who_is_not_connected_is_not_heard_and_nothing_breaks() -> None:
    End(ToRunner).channel.send(Stop("a"))
    End(ToRunner).channel.close()


def test_a_lost_connection_is_told_once() -> None:
    end = End(ToRunner)
    end.channel.connection_lost(None)
    assert end.losses == 1
