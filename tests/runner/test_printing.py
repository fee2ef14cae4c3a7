"""Streams that handlers print to: whatever becomes of the reader, a print returns and raises nothing."""

from __future__ import annotations

import atexit
import fcntl
import io
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.waiting import eventually
from rowcrew.runner import printing
from rowcrew.runner.printing import Patient

pytestmark = pytest.mark.timeout(60)  # a print that waits never comes back

PAGE = 4096


class Pipe:
    """A small pipe or pair of sockets, and the patient stream into it."""

    def __init__(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        if kind == "socket":
            mine, theirs = socket.socketpair()
            mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PAGE)
            self.reading, self.writing = theirs.detach(), mine.detach()
        else:
            self.reading, self.writing = os.pipe()
            fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, PAGE)
        if kind == "pipe of another user":
            monkeypatch.setattr(os, "open", _as_another_user(os.open))
        self.patient = Patient(self.writing, tell_dropped=lambda lines: f"dropped {lines}\n")

    def print(self, text: str) -> None:
        self.patient.write(text.encode() + b"\n")

    def read(self, size: int = 1 << 20) -> str:
        return os.read(self.reading, size).decode()

    def read_until(self, last: str) -> list[str]:
        """Lines up to one that begins so."""
        text = ""
        while not (text.endswith("\n") and text.splitlines()[-1].startswith(last)):
            text += self.read()
        return text.splitlines()


def _as_another_user(opened: Callable[..., int]) -> Callable[..., int]:
    def another(path: str, *options: Any) -> int:
        if path.startswith("/proc/self/fd/"):
            raise PermissionError
        return opened(path, *options)

    return another


@pytest.fixture(params=["pipe", "pipe of another user", "socket"])
def pipe(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    pipe = Pipe(request.param, monkeypatch)
    yield pipe
    for end in (pipe.reading, pipe.writing):
        try:
            os.close(end)
        except OSError:
            continue


def test_what_is_printed_is_there_before_the_print_returns(pipe: Pipe) -> None:
    pipe.print("at once")
    assert pipe.read() == "at once\n"


def test_nobody_waits_for_a_reader_and_each_line_comes_once_and_in_order(pipe: Pipe) -> None:
    lines = [f"{number} {'x' * 100}" for number in range(1_000)]
    for line in lines:
        pipe.print(line)
    assert pipe.read_until(lines[-1]) == lines
    pipe.patient.drain()
    pipe.print("later")
    assert pipe.read_until("later") == ["later"]


def test_lines_that_nobody_read_in_time_are_counted_where_they_are_missing(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(printing, "BUFFERED_BYTES", 50_000)
    lines = [f"{number} {'x' * 100}" for number in range(5_000)]
    for line in lines:
        pipe.print(line)
    read = pipe.read_until("dropped")
    told = [line for line in read if not line.startswith("dropped")]
    assert told == lines[: len(told)]
    assert read[-1] == f"dropped {len(lines) - len(told)}"
    pipe.patient.drain()
    pipe.print("later")
    assert pipe.read_until("later") == ["later"]


def test_what_waits_goes_out_as_soon_as_a_thread_can_be_had_also_when_no_more_fits(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(printing, "BUFFERED_BYTES", 50_000)
    with monkeypatch.context() as without_threads:
        without_threads.setattr(threading.Thread, "start", none_left)
        for number in range(1_000):
            pipe.print(f"{number} {'x' * 100}")
    pipe.print("x" * 100)
    assert pipe.read_until("dropped")[0].startswith("0 ")


def test_a_reader_that_is_gone_is_nobodys_error(pipe: Pipe) -> None:
    os.close(pipe.reading)
    for _ in range(1_000):
        pipe.print("x" * 100)
    pipe.patient.drain()


def test_a_reader_that_goes_while_lines_wait_is_nobodys_error(pipe: Pipe) -> None:
    for _ in range(1_000):
        pipe.print("x" * 100)
    os.close(pipe.reading)
    pipe.patient.drain()
    assert pipe.patient._bytes_waiting == 0


def test_a_descriptor_that_was_closed_is_nobodys_error(pipe: Pipe) -> None:
    os.close(pipe.writing)
    pipe.print("x")


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_the_descriptor_may_be_turned_elsewhere_and_back(pipe: Pipe) -> None:
    before = descriptors()
    for _ in range(3):
        pipe.print("here")
        assert pipe.read() == "here\n"
        kept = os.dup(pipe.writing)
        with tempfile.TemporaryFile() as file:
            os.dup2(file.fileno(), pipe.writing)
            pipe.print("elsewhere")
            file.seek(0)
            assert file.read() == b"elsewhere\n"
        os.dup2(kept, pipe.writing)
        os.close(kept)
    pipe.print("here")
    assert pipe.read() == "here\n"
    assert descriptors() <= before + 1


def test_many_threads_print_whole_lines(pipe: Pipe) -> None:
    def talk(name: int) -> None:
        for _ in range(100):
            pipe.print(f"{name}" * 50)

    threads = [threading.Thread(target=talk, args=(name,)) for name in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipe.print("the end")
    lines = pipe.read_until("the end")
    assert sorted(lines[:-1]) == sorted(f"{name}" * 50 for name in range(5) for _ in range(100))


PROGRAM = """
import io, os, subprocess, sys, multiprocessing
from rowcrew.runner.printing import make_patient
make_patient(lambda lines: f"dropped {lines}\\n")
print("a lone \\udcff surrogate", flush=True)
sys.stdout.close()
print("still open")
print("the old name", file=sys.__stdout__)
wrapper = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", line_buffering=True)
print("a wrapper", file=wrapper)
del wrapper
print("not closed with it")
own = io.TextIOWrapper(sys.stdout.detach(), encoding="utf-8", line_buffering=True)
print("what was taken apart", file=own)
print("goes on")
own.close()
sys.stdout.buffer.write(b"bytes\\n")
sys.stdout.flush()
subprocess.run(["echo", "a program"], stdout=sys.stdout)
pid = os.fork()
if pid == 0:
    print("a copy")
    os._exit(0)
os.waitpid(pid, 0)
print("without a new line", end="")
"""


def test_the_streams_of_a_program_are_as_python_makes_them_but_fail_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        "a lone \\udcff surrogate",
        "still open",
        "the old name",
        "a wrapper",
        "not closed with it",
        "what was taken apart",
        "goes on",
        "bytes",
        "a program",
        "a copy",
        "without a new line",
    ]


INTERRUPTED = """
import logging, os, signal
from rowcrew.runner import handler_log, printing
printing.make_patient(lambda lines: f"dropped {lines}\\n")
handler_log.configure("text", worker="w", current_job=lambda: None)

class Broken:
    def __del__(self):
        raise ValueError("in a destructor")

def once(descriptor):
    os.fstat = fstat
    signal.raise_signal(signal.SIGUSR1)
    Broken()
    return fstat(descriptor)

signal.signal(signal.SIGUSR1, lambda *_: print("a signal"))
fstat, os.fstat = os.fstat, once
print("a line")
"""


def test_a_signal_handler_prints_and_a_destructor_fails_in_the_midst_of_a_print() -> None:
    program = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(program, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode().splitlines()
    assert {"a signal", "ValueError: in a destructor", "a line"} <= set(lines)


def test_where_there_is_no_standard_output_nothing_is_put_in_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(atexit, "register", lambda _: None)
    printing.make_patient(str)
    assert sys.stdout is None
    assert isinstance(sys.stderr, io.StringIO)


def test_what_waits_in_a_copy_of_the_process_is_not_written_twice(pipe: Pipe) -> None:
    pipe.patient.write(b"y" * 100_000)
    eventually(lambda: pipe.patient._bytes_waiting > 0)
    pid = os.fork()
    if pid == 0:
        os._exit(pipe.patient._bytes_waiting)
    assert os.waitpid(pid, 0)[1] == 0
    left = 100_000
    while left:
        left -= len(pipe.read())
    pipe.patient.drain()
    pipe.print("")
    assert pipe.read() == "\n"
