"""One server: what a user of the server and that user's watcher both know how to do.

In: a home, the programs of PostgreSQL and the account to run them as. Out: a server that answers, or none of
its processes. Called by `postgres` under the lock `alone`, and by `watcher`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from rowcrew.embedded.account import Account, give, run_as
from rowcrew.embedded.errors import EmbeddedPostgresError
from rowcrew.embedded.home import Home
from rowcrew.embedded.installation import executable_installation
from rowcrew.embedded.processes import kill, postmaster_of, processes_of
from rowcrew.embedded.sharing import alone, is_only_user

StopMode = Literal["smart", "fast", "immediate"]

SUPERUSER = "postgres"
START_SECONDS = 300
STOP_SECONDS = 60
ORPHAN_SECONDS = 10
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Server:
    """A server and how it starts and stops; it may run already, or run on after us."""

    home: Home
    installation: Path
    account: Account | None
    temporary: bool

    def socket_url(self, number: int, database: str = "postgres") -> str:
        host = quote(str(self.home.sockets), safe="")
        return f"postgresql://{SUPERUSER}@/{quote(database, safe='')}?host={host}&port={number}"

    def release(self, users: int) -> None:
        """Leave the server; stop it when nobody else uses it, and remove it when it is temporary."""
        with alone(self.home):
            if users >= 0 and not is_only_user(users):
                return
            self.halt("immediate" if self.temporary else "fast")
            if self.temporary:
                shutil.rmtree(self.home.path)
            if self.home.sockets.parent != self.home.path:
                shutil.rmtree(self.home.sockets, ignore_errors=True)

    def ensure_running(self, settings: Mapping[str, str], users: int) -> None:
        if self.is_running():
            self._await_answer(settings)
            return
        self._prepare()
        if not (self.home.data / "PG_VERSION").exists():
            self._make_cluster(durable=settings.get("fsync") != "off")
        if is_only_user(users):
            self._clear_leftovers()
        self._launch(settings)

    def is_running(self) -> bool:
        return postmaster_of(self.home) is not None

    def halt(self, mode: StopMode) -> None:
        """Stop the server if it runs; return when none of its processes is left."""
        orphaned_at = time.monotonic() + ORPHAN_SECONDS
        while processes := processes_of(self.home):
            if self.is_running():
                self._ask_to_stop(mode)
            elif time.monotonic() > orphaned_at:
                kill(processes)
            time.sleep(POLL_SECONDS)

    def _ask_to_stop(self, mode: StopMode) -> None:
        wait = ["-w", "-t", str(STOP_SECONDS), "-s"]
        try:
            self._tool("pg_ctl", "stop", *wait, "-m", mode, "-D", str(self.home.data))
        except EmbeddedPostgresError:
            if self.is_running():  # else it went by itself, just before
                raise

    def _prepare(self) -> None:
        """Make what the account needs around the data."""
        self._require_entry()
        self._make_socket_directory()
        self.home.log.touch(mode=0o600)
        give(self.account, self.home.log)

    def _make_cluster(self, *, durable: bool) -> None:
        """Made aside, then renamed: nobody ever finds half a cluster."""
        unfinished = self.home.path / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        give(self.account, unfinished)
        self.home.password.touch(mode=0o600)
        self.home.password.write_text(secrets.token_urlsafe(24))
        give(self.account, self.home.password)
        where = ["-D", str(unfinished), "-U", SUPERUSER, f"--pwfile={self.home.password}"]
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = ["--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions"]
        self._tool("initdb", *where, *locale, *access, *([] if durable else ["--no-sync"]))
        unfinished.rename(self.home.data)

    def _clear_leftovers(self) -> None:
        """PostgreSQL believes any living process with the pid in its lock file; a reused pid bars the start.

        Only for the only user: in a home shared by containers, another one's server would be invisible to us.
        """
        self.halt("immediate")
        for leftover in (self.home.data / "postmaster.pid", *self.home.sockets.glob(".s.PGSQL.*")):
            leftover.unlink(missing_ok=True)

    def _launch(self, settings: Mapping[str, str]) -> None:
        options = shlex.join(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        wait = ["-w", "-t", str(START_SECONDS), "-s"]
        files = ["-D", str(self.home.data), "-l", str(self.home.log)]
        try:
            self._tool("pg_ctl", "start", *wait, *files, "-o", options)
        except EmbeddedPostgresError as error:
            end = f"the end of {self.home.log}:\n{self.home.end_of_log()}"
            raise EmbeddedPostgresError(f"{error}\n{end}") from error

    def _await_answer(self, settings: Mapping[str, str]) -> None:
        """Join a server that another process started, and perhaps died over while it was still recovering."""
        number = (self.home.data / "postmaster.pid").read_text().splitlines()[3:4]
        if number and number != [settings["port"]]:
            raise EmbeddedPostgresError(
                f"the server of {self.home.path} already runs with port {number[0]}: "
                "ask for that port, or stop its users first"
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers(int(settings["port"])):
            if time.monotonic() > deadline or not self.is_running():
                raise EmbeddedPostgresError(
                    f"the server of {self.home.path} does not answer; "
                    f"see {self.home.log}:\n{self.home.end_of_log()}"
                )
            time.sleep(POLL_SECONDS)

    def _answers(self, number: int) -> bool:
        psql = str(self.installation / "bin" / "psql")
        url = f"{self.socket_url(number)}&connect_timeout=5"
        asked = subprocess.run(
            [psql, "-XAtq", f"--dbname={url}", "--command=SELECT"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return asked.returncode == 0

    @cached_property
    def _binaries(self) -> Path:
        return executable_installation(self.installation, self.account, self.home.path)

    def _tool(self, name: str, *arguments: str) -> None:
        # A pipe would be inherited by the server that `pg_ctl start` leaves behind, and never end.
        with tempfile.TemporaryFile("w+") as output:
            command = [str(self._binaries / "bin" / name), *arguments]
            code = run_as(self.account, command, directory=self.home.path, output=output).returncode
            if code != 0:
                output.seek(0)
                raise EmbeddedPostgresError(f"{name} exited with {code}: {output.read()[-2000:].strip()}")

    def _require_entry(self) -> None:
        home = self.home.path
        enter = ["/bin/sh", "-c", 'cd "$0"', str(home)]
        if (
            self.account
            and run_as(self.account, enter, directory=home, output=subprocess.DEVNULL).returncode != 0
        ):
            raise EmbeddedPostgresError(
                f"PostgreSQL runs as the account {self.account.name} here, which may not enter {home}: "
                f"choose a home that it can reach (its parents need the permission x for others)"
            )

    def _make_socket_directory(self) -> None:
        with contextlib.suppress(FileExistsError):
            self.home.sockets.mkdir(mode=0o700)
            give(self.account, self.home.sockets)
        found = self.home.sockets.lstat()
        owner = self.account.user if self.account else os.geteuid()
        if self.home.sockets.is_symlink() or found.st_uid != owner:
            raise EmbeddedPostgresError(
                f"{self.home.sockets} belongs to somebody else: remove it, or choose another home"
            )
