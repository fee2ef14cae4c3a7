"""A log that nobody reads: the process that writes it goes on, and what was dropped is counted and said."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO

import pytest

from rig.waiting import eventually
from rowcrew import output
from rowcrew.log import Log
from tests.log.written import Written

LINE = "x" * 1_000


class Pipe:
    """A pipe of one page, as small as the kernel makes them, whose reader reads when it is told to."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        self.reader: TextIO = os.fdopen(reading, encoding="utf-8")
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        self.stream: TextIO = os.fdopen(writing, "w", encoding="utf-8")

    def read_all(self) -> list[str]:
        """Everything until the writer has closed its end, by lines."""
        return self.reader.read().splitlines()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.reader.close()  # first: what was not read would hold up the writer
    eventually(lambda: not any(thread.name == "log" for thread in threading.enumerate()))
    with suppress(BrokenPipeError):  # a thread that still wrote would write to the next test's pipe
        pipe.stream.close()


@pytest.fixture
def small_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "BUFFERED_CHARACTERS", 20_000)


def tell(log: Log, lines: int) -> None:
    for _ in range(lines):
        log.event("worker.failed_to_start", reason=LINE)


@pytest.mark.timeout(20)
def test_a_pipe_that_nobody_reads_holds_up_nobody(pipe: Pipe, small_buffer: None) -> None:
    log = Log("json", pipe.stream)
    log.start()
    tell(log, 200)  # a log that blocks never comes back from here
    pipe.reader.close()
    log.stop()


@pytest.mark.timeout(20)
def test_dropped_lines_are_counted_in_the_next_line_that_can_be_written(
    pipe: Pipe, small_buffer: None
) -> None:
    log = Log("json", pipe.stream)
    log.start()
    tell(log, 200)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.extend(pipe.read_all()))
    reader.start()
    background = log._output
    assert isinstance(background, output.BackgroundOutput)
    eventually(lambda: background._written == background._given)
    tell(log, 1)
    log.stop()
    pipe.stream.close()
    reader.join()
    events = [json.loads(line) for line in read]
    told = [event for event in events if event["event"] == "worker.failed_to_start"]
    dropped = [event for event in events if event["event"] == "log.dropped"]
    assert len(told) + sum(event["lines"] for event in dropped) == 201
    assert events[-2:] == [dropped[-1], told[-1]]
    assert f"Dropped {dropped[-1]['lines']} log line" in dropped[-1]["message"]


@pytest.mark.timeout(20)
def test_stopping_does_not_wait_for_a_reader_that_never_comes(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "DRAIN_SECONDS", 0.05)
    log = Log("text", pipe.stream)
    log.start()
    tell(log, 20)
    log.stop()
    tell(log, 20)


def test_lines_keep_their_order_before_during_and_after() -> None:
    stream = Written()
    log = Log("text", stream)
    log.event("job.processing", job_id=1)
    log.start()
    for job_id in range(2, 1_000):
        log.event("job.processing", job_id=job_id)
    log.stop()
    log.event("job.processing", job_id=1_000)
    assert stream.getvalue().splitlines() == [f"⚙️  Processing job: {n}" for n in range(1, 1_001)]


def test_a_reader_that_is_gone_stops_no_work(pipe: Pipe) -> None:
    pipe.reader.close()
    log = Log("text", pipe.stream)
    log.start()
    tell(log, 3)
    log.stop()


def test_texts_that_come_while_the_thread_rests_are_written_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "GATHER_SECONDS", 600)  # it rests until it is closed
    stream = Written()
    written: list[str] = []
    monkeypatch.setattr(stream, "write", written.append)
    log = Log("text", stream)
    log.start()
    log.event("job.processing", job_id=1)
    eventually(lambda: written)
    for job_id in (2, 3, 4):
        log.event("job.processing", job_id=job_id)
    log.stop()
    assert [text.count("\n") for text in written] == [1, 3]


def test_an_empty_text_does_not_end_the_writing(pipe: Pipe) -> None:
    background = output.BackgroundOutput(pipe.stream, tell_dropped=str)
    background.write("")
    eventually(background._texts.empty)
    background.write("then this\n")
    assert background.close()
    pipe.stream.close()
    assert pipe.read_all() == ["then this"]


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """No thread can be started, until the caller undoes it."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        yield patch


def test_where_no_thread_can_be_started_lines_wait_until_one_can(
    pipe: Pipe, no_room: pytest.MonkeyPatch
) -> None:
    log = Log("text", pipe.stream)
    log.start()
    log.event("job.processing", job_id=1)
    no_room.undo()
    log.event("job.processing", job_id=2)
    log.stop()
    pipe.stream.close()
    assert [line.rsplit(" ", 1)[1] for line in pipe.read_all()] == ["1", "2"]


@pytest.mark.usefixtures("no_room")
def test_where_no_thread_can_ever_be_started_lines_are_written_at_the_end(pipe: Pipe) -> None:
    log = Log("text", pipe.stream)
    log.start()
    log.event("job.processing", job_id=1)
    log.stop()
    pipe.stream.close()
    assert [line.rsplit(" ", 1)[1] for line in pipe.read_all()] == ["1"]
