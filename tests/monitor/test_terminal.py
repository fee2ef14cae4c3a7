"""`rowcrew monitor` as a person starts it: a process on a terminal of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios

import pytest

from rig.programs import ROOT, ROWCREW, clean_environment
from tests.monitor.conftest import Connection


def read_until(terminal: int, words: bytes) -> bytes:
    told = b""
    while words not in told:
        told += os.read(terminal, 65536)
    return told


@pytest.mark.parametrize("key", [b"q", b"\x03"], ids=["q", "ctrl-c"])
def test_it_fills_a_terminal_and_leaves_it_as_it_was(
    lively: Connection, database_url: str, key: bytes
) -> None:
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(inside)
    process = subprocess.Popen(
        [*ROWCREW, "monitor"],
        cwd=ROOT,
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env=clean_environment(DATABASE_URL=database_url, TERM="xterm-256color", LANG="C.UTF-8"),
    )
    try:
        told = read_until(terminal, b"nothing serves")
        assert b"\x1b[?1049h" in told  # what was on the terminal is kept
        os.write(terminal, key)
        told = read_until(terminal, b"\x1b[?1049l")
        assert process.wait(20) == 0
        assert termios.tcgetattr(inside) == before
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        os.close(inside)


def test_an_output_that_is_redirected_is_not_drawn_on(database_url: str) -> None:
    """Textual draws on standard error: a file there would fill, and the terminal stay empty."""
    terminal, inside = pty.openpty()
    ended = subprocess.run(
        [*ROWCREW, "monitor"],
        cwd=ROOT,
        stdin=inside,
        stdout=inside,
        stderr=subprocess.PIPE,
        env=clean_environment(DATABASE_URL=database_url),
        timeout=60,
    )
    os.close(terminal)
    os.close(inside)
    assert ended.returncode == 2
    assert b"this is no terminal" in ended.stderr
