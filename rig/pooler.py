"""A real PgBouncer in transaction mode before a PostgreSQL: sessions are shared, LISTEN and SET go astray.

In: a server's address. Out: the same databases at `url_of`. Whatever account runs this, PgBouncer runs as the
one that the embedded PostgreSQL has, because it refuses to be root too.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict

from rig.ports import free_port
from rig.waiting import eventually
from rowcrew.embedded import server_account
from rowcrew.table.address import for_psycopg

PROGRAM: Final = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
MISSING: Final = "PgBouncer is not installed (Debian: pgbouncer): nothing here is tested behind a real pooler"

_CONFIGURATION: Final = """
[databases]
{named}
* = {server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
admin_users = pgbouncer
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = {clients}
application_name_add_host = {tells_hosts}
ignore_startup_parameters = {ignores}
# Its patience after a failed login is 15 seconds, in which nobody would learn that the server is back.
server_login_retry = 1
logfile = {directory}/log
pidfile = {directory}/pid
"""


class Pooler:
    """A running PgBouncer, as a context manager.

    Args:
        url: of a database; its server is the one behind the pooler.
        sessions: how many of the server's sessions all clients share.
        clients: how many may be there at once.
        begins_with: the statement that a session of this database begins with.
        tells_hosts: whether application_name gets the address of the client.
        ignores: what clients may ask for at their start in vain.
    """

    def __init__(
        self,
        url: str,
        *,
        sessions: int = 20,
        clients: int = 300,
        begins_with: str = "",
        tells_hosts: bool = False,
        ignores: str = "",
    ) -> None:
        self.port = free_port()
        self._parts = conninfo_to_dict(for_psycopg(url))
        server = " ".join(
            f"{name}={value}"
            for name in ("host", "port", "user", "password")
            if (value := self._parts.get(name))
        )
        self._account = server_account()
        self.directory = Path(tempfile.mkdtemp(prefix="pooler-"))
        self._configuration = self.directory / "pgbouncer.ini"
        self._configuration.write_text(
            _CONFIGURATION.format(
                server=server,
                named=f"{self._parts['dbname']} = {server} connect_query='{begins_with}'"
                if begins_with
                else "",
                port=self.port,
                sessions=sessions,
                clients=clients,
                tells_hosts=int(tells_hosts),
                ignores=ignores,
                directory=self.directory,
            )
        )
        if self._account is not None:
            for ours in (self.directory, self._configuration):
                os.chown(ours, self._account.user, self._account.group)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def url_of(self, database: str) -> str:
        return f"postgresql://{self._parts['user']}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the program; return when it takes connections."""
        assert PROGRAM is not None, MISSING
        become: dict[str, Any] = {}
        if self._account is not None:
            become = {"user": self._account.user, "group": self._account.group, "extra_groups": []}
        self._process = subprocess.Popen(
            [PROGRAM, "--quiet", str(self._configuration)],
            cwd=self.directory,
            start_new_session=True,
            **become,
        )
        eventually(self._answers)

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it, and with it all of its sessions in the server; a stopped one too."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            (self.directory / "pid").unlink(missing_ok=True)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.directory / "log").read_text(errors="replace")[-2_000:]
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


def borrowed_state(url: str, sessions: int) -> list[str]:
    """What the clients of a pooler have left in the sessions it lent them, in words.

    Args:
        url: an address through the pooler.
        sessions: how many of the server's sessions it has; each is looked at, all being lent to us at once.
    """
    left = []
    with ExitStack() as borrowed:
        for _ in range(sessions):
            connection = borrowed.enter_context(psycopg.connect(url, prepare_threshold=None))
            left += [
                f"{what} {name} is left in a session of the pooler"
                for what, name in connection.execute(_STATE).fetchall()
            ]
    return left


# PgBouncer keeps five settings apart for its clients; whatever else a session has set stays for the next.
_STATE: Final = """
    SELECT 'the prepared statement', name FROM pg_prepared_statements
    UNION ALL
    SELECT 'the channel', channel FROM pg_listening_channels() AS channel
    UNION ALL
    SELECT 'the setting', name FROM pg_settings
     WHERE source = 'session'
       AND name NOT IN ('application_name', 'client_encoding', 'DateStyle', 'TimeZone',
                        'standard_conforming_strings')
    UNION ALL
    SELECT 'the advisory lock', objid::text
      FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
"""
