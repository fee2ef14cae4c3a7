"""The home of a server: the directory that holds its data, log and locks, and the names that follow from it.

In: a directory that was asked for, or none. Out: a `Home` on disk. Called by the owner of a server; what
becomes of the files in it is the business of `server`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ABANDONED_SECONDS = 60
# A socket's path holds at most 107 bytes; commas and quotes mean something to PostgreSQL in a list of them.
SAFE_SOCKET_DIRECTORY = re.compile(r"[A-Za-z0-9_./@+-]{1,90}")


@dataclass(frozen=True)
class Home:
    """Where everything of one server lies, and what it is called."""

    path: Path

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def log(self) -> Path:
        return self.path / "server.log"

    @property
    def password(self) -> Path:
        return self.path / "password"

    @property
    def start_lock(self) -> Path:
        return self.path / "start.lock"

    @property
    def users_lock(self) -> Path:
        return self.path / "users.lock"

    @cached_property
    def cluster_name(self) -> str:
        """Stands in the title of every server process: how we tell ours from a reused pid."""
        return "rowcrew-" + hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]

    @cached_property
    def sockets(self) -> Path:
        inside = self.path / "run"
        if SAFE_SOCKET_DIRECTORY.fullmatch(str(inside)):
            return inside
        return Path("/tmp", f"{self.cluster_name}-{os.geteuid()}")  # noqa: S108 - proven ours before use

    def end_of_log(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""


def make_home(asked: Path | None, *, mode: int) -> Home:
    """The home that was asked for, or a new temporary one; what has to be made gets this mode."""
    if asked is None:
        return _make_temporary_home(mode)
    home = asked.resolve()
    _make_directories(home, mode)
    return Home(home)


def _make_temporary_home(mode: int) -> Home:
    _remove_abandoned(Path(tempfile.gettempdir()))
    home = Path(tempfile.mkdtemp(prefix="rowcrew-")).resolve()
    home.chmod(mode)
    return Home(home)


def _remove_abandoned(place: Path) -> None:
    """Remove homes whose users were killed after they had made one and before their watcher ran."""
    for home in place.glob("rowcrew-*"):
        with contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            locks = list(home.iterdir())
            if not locks or not {Home(home).start_lock, Home(home).users_lock}.issuperset(locks):
                continue
            if time.time() - home.stat().st_mtime > ABANDONED_SECONDS:
                for lock in locks:
                    fcntl.flock(opened.enter_context(lock.open("r+")), fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(home)


def _make_directories(path: Path, mode: int) -> None:
    """Make the path and its missing parents; what exists keeps its permissions."""
    for missing in reversed([directory for directory in (path, *path.parents) if not directory.exists()]):
        with contextlib.suppress(FileExistsError):
            missing.mkdir()
            missing.chmod(mode)
