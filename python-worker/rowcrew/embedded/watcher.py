"""The way out of a server: a process that holds its owner's share, and releases it when the owner is gone.

In: the owner's standard input pipe, its share of the server as an inherited lock, and where the server
lies. Started by `postgres`, which runs this same file as a script: a program of its own in a session of its
own, that no kill -9 of the owner and no Ctrl-C reaches.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rowcrew.embedded.server import Server


def start_watcher(server: Server, users: int) -> subprocess.Popen[bytes]:
    """Waits for the end of its standard input, that is of ours, and then releases the server.

    It inherits the lock that makes us a user, so there is no moment in which a dead user still counts, or a
    live one does not. Its own session keeps Ctrl-C away from it.
    """
    kind = "temporary" if server.temporary else "lasting"
    return subprocess.Popen(
        [sys.executable, "-I", __file__, str(server.home.path), str(server.installation), kind, str(users)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[users],
        start_new_session=True,
        cwd="/",
    )


def dismiss(watcher: subprocess.Popen[bytes]) -> bool:
    """Let the watcher do its work; true if it did, false if somebody killed it."""
    assert watcher.stdin is not None
    watcher.stdin.close()
    return watcher.wait() == 0


def _watch(home: str, installation: str, kind: str, users: str) -> None:
    for end_of_session in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(end_of_session, signal.SIG_IGN)
    from rowcrew.embedded.account import server_account
    from rowcrew.embedded.home import Home
    from rowcrew.embedded.server import Server

    sys.stdin.buffer.read()
    Server(Home(Path(home)), Path(installation), server_account(), kind == "temporary").release(int(users))


if __name__ == "__main__":
    # A script with -I knows neither its own directory nor the environment's; ours must be this same Rowcrew.
    sys.path.insert(0, str(Path(__file__).parents[2]))
    _watch(*sys.argv[1:])
