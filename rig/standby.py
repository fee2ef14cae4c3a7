"""A streaming stand-by of an embedded PostgreSQL, which can fall behind and be promoted.

In: a running primary, as any test or storm has it. Out: a second server, whose URLs are the primary's but for
the port and the sockets, and one URL that names both. What the primary commits after `fall_behind` is lost
when the stand-by is promoted; where it is synchronous, such a commit waits.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, LiteralString, Self

import psycopg

from rig.memory import temporary_files_in_memory
from rig.ports import free_port
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres, server_account


class StandBy:
    """A copy of the primary that follows it, as a context manager.

    Args:
        primary: started already; it stays the caller's to halt.
        durable: as for any embedded server.
        settings: PostgreSQL's own; `max_connections` may not be lower than the primary's.

    Attributes:
        server: the stand-by itself, with its URLs; after `promote` it takes writes.
    """

    def __init__(
        self, primary: EmbeddedPostgres, *, durable: bool = False, settings: Mapping[str, str] | None = None
    ) -> None:
        self._primary = primary
        with temporary_files_in_memory():
            self._home = Path(tempfile.mkdtemp(prefix="stand-by-")).resolve()
        self.server = EmbeddedPostgres(self._home, durable=durable, port=free_port(), settings=settings)

    def __enter__(self) -> Self:
        try:
            self._copy()
            self.server.start()
            self.caught_up()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    @property
    def url_of_both(self) -> str:
        """Both servers as one address, the primary first."""
        primary, stand_by = self._primary.tcp_url_of("postgres"), self.server.tcp_url_of("postgres")
        login_and_host, _, database = primary.rpartition("/")
        second = stand_by.rpartition("@")[2].partition("/")[0]
        return f"{login_and_host},{second}/{database}?target_session_attrs=read-write"

    def become_synchronous(self) -> None:
        """From here on a commit of the primary is answered when it is on this server's disk too."""
        _ask(self._primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        _ask(self._primary, "SELECT pg_reload_conf()")
        synchronous: LiteralString = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
        eventually(lambda: _ask(self._primary, synchronous))

    def caught_up(self, seconds: float = 60) -> None:
        """Wait until everything that the primary has committed by now can be read here."""
        ((target,),) = _ask(self._primary, "SELECT pg_current_wal_flush_lsn()::text")
        reached: LiteralString = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        eventually(lambda: _ask(self.server, reached, target)[0][0], seconds)

    def fall_behind(self) -> None:
        """Receive nothing more. To pause the replay is not enough: a promotion replays what was received."""
        self.caught_up()
        _ask(self.server, "ALTER SYSTEM SET primary_conninfo = ''")
        _ask(self.server, "SELECT pg_reload_conf()")
        eventually(lambda: not _ask(self.server, "SELECT 1 FROM pg_stat_wal_receiver"))

    def promote(self) -> None:
        """Become a primary of a new timeline, with what was received so far."""
        assert _ask(self.server, "SELECT pg_promote()") == [(True,)]

    def _copy(self) -> None:
        """Made by ourselves, then given to the account that runs servers here."""
        data = self._home / "data"
        options = [f"--pgdata={data}", "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
        self._primary.run("pg_basebackup", *options)
        shutil.copy(self._primary.home / "password", self._home)
        account = server_account()
        if account is not None:
            self._home.chmod(0o711)
            for ours in (data, *data.rglob("*"), self._home / "password"):
                os.chown(ours, account.user, account.group, follow_symlinks=False)


def _ask(server: EmbeddedPostgres, query: LiteralString, *parameters: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(query, parameters)
        return cursor.fetchall() if cursor.description else []
