"""A server that gives the same answers again from memory: what clients cost who ask one that costs nothing.

In: on standard input, a JSON object of whole answers by path, a character for each byte. Out: a line with its
port, then the answer of each path that is asked for, whatever numbers stand in it, until it is terminated.
Called by `benchmarks/web.py`.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_HEAD_ENDS = b"\r\n\r\n"
_NUMBER = re.compile(rb"[0-9]+")


@contextmanager
def replaying(answers: Mapping[str, bytes]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process of such a server, and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.replay"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        json.dump({path: answer.decode("latin-1") for path, answer in answers.items()}, process.stdin)
        process.stdin.close()
        yield process, int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


class _Replay(asyncio.Protocol):
    """One connection, which stays open as that of a browser does."""

    def __init__(self, answers: Mapping[bytes, bytes]) -> None:
        self._answers = answers
        self._heard = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *heads, self._heard = (self._heard + data).split(_HEAD_ENDS)
        for head in heads:
            self._transport.write(self._answers[_of_any_id(head.split(b" ", 2)[1])])


def _of_any_id(path: bytes) -> bytes:
    return _NUMBER.sub(b"0", path)


async def _serve(answers: Mapping[bytes, bytes]) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Replay(answers), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    given = json.load(sys.stdin)
    known = {_of_any_id(path.encode()): answer.encode("latin-1") for path, answer in given.items()}
    asyncio.run(_serve(known))
