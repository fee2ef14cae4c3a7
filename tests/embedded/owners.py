"""Owners of embedded servers: real processes, ours or an ordinary user's, to be ended any way."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

import rowcrew
from rig.waiting import eventually
from rowcrew import embedded, installed
from rowcrew.embedded.home import Home

# Loaded from where an ordinary user finds little else: the package must need the standard library alone.
PROGRAM = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from rowcrew import embedded
asked = json.loads(sys.argv[2])
exec(asked["first"])
server = embedded.EmbeddedPostgres(
    asked["home"] and Path(asked["home"]), durable=False, binaries=Path(asked["binaries"])
).start()
print(json.dumps({"home": str(server.home), "url": server.url, "log": str(server.log_path)}), flush=True)
sys.stdin.read()
server.stop()
"""


@dataclass(frozen=True)
class Person:
    """Who owns a server: ourselves (`user` is None) or an ordinary user; and what that person can execute."""

    user: int | None
    python: str
    library: Path
    binaries: Path

    def become(self) -> dict[str, Any]:
        return {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}

    def touches(self, file: Path) -> Path:
        file.touch()
        if self.user is not None:
            os.chown(file, self.user, self.user)
        return file

    def makes(self, directory: Path) -> Path:
        directory.mkdir()
        directory.chmod(0o755)
        if self.user is not None:
            os.chown(directory, self.user, self.user)
        return directory


class Owner:
    """A process that has a server and keeps it until its standard input ends.

    Args:
        first: Python that it executes before it starts the server.
    """

    def __init__(self, person: Person, home: Path | None, temporary_directory: Path, first: str) -> None:
        asked = json.dumps({"home": home and str(home), "binaries": str(person.binaries), "first": first})
        self.person = person
        self.process = subprocess.Popen(
            [person.python, "-c", PROGRAM, str(person.library), asked],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env={"PATH": os.defpath, "TMPDIR": str(temporary_directory)},
            **person.become(),
        )

    def started(self) -> Self:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the owner ended before its server had started; its words are above"
        answer: dict[str, str] = json.loads(line)
        self.home, self.url, self.log = Path(answer["home"]), answer["url"], Path(answer["log"])
        return self

    def watcher(self) -> psutil.Process:
        [watcher] = psutil.Process(self.process.pid).children()
        return watcher

    def ask(self, query: str) -> str:
        psql = str(self.person.binaries / "bin" / "psql")
        command = [psql, "-XAtq", f"--dbname={self.url}", f"--command={query}"]
        asked: subprocess.CompletedProcess[str] = subprocess.run(
            command, text=True, capture_output=True, check=True, **self.person.become()
        )
        return asked.stdout.strip()

    def leave(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait() == 0

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        """Whatever it has come to: close what is open, and wait."""
        self.process.__exit__(None, None, None)


def processes_of(home: Path) -> list[str]:
    """All that still works for the server with this home: tools, watchers, PostgreSQL's processes."""
    name = Home(home).cluster_name
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if process.pid != os.getpid() and (
            f"{home}/" in command or f" {home} " in command or name in command
        ):
            found.append(command)
    return found


def await_end_of(home: Path) -> None:
    eventually(lambda: not processes_of(home))


def copy_for_everybody(place: Path) -> tuple[Path, Path]:
    """The package and the binaries where an ordinary user can reach them, however private our checkout is."""
    library = place / "library"
    shutil.copytree(Path(embedded.__file__).parent, library / "rowcrew" / "embedded")
    for module in (rowcrew, installed):
        shutil.copy(str(module.__file__), library / "rowcrew")
    installation = embedded.find_binaries()
    package = installation.parent
    binaries = place / package.name / installation.name
    shutil.copytree(installation, binaries, symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), place / f"{package.name}.libs")
    for path in (library, *library.rglob("*"), *(place / package.name).rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o555)
    return library, binaries


def an_ordinary_user() -> Iterator[int]:
    """A throw-away account; only root can make one."""
    name = f"rowcrew-test-{os.getpid()}"
    subprocess.run(["/usr/sbin/useradd", "--system", "--user-group", "--no-create-home", name], check=True)
    try:
        yield pwd.getpwnam(name).pw_uid
    finally:
        subprocess.run(["/usr/sbin/userdel", name], check=True)


def python_for(user: int) -> str | None:
    """An interpreter that the user can execute: ours may be below /root."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            asked = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
            if (
                subprocess.run(asked, user=user, group=user, extra_groups=[], cwd="/", check=False).returncode
                == 0
            ):
                return python
        except OSError:
            continue
    return None
