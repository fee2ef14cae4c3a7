"""Several servers behind one address: what a refusal proves, and which server is passed by.

In: an address, errors, and connections that have just been opened. Out: the address's other hosts, or an
error that says why a server is not spoken to. Called by `opening` and `link`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode
from weakref import WeakKeyDictionary

import psycopg
from psycopg.conninfo import conninfo_to_dict

from rowcrew.table.address import for_psycopg
from rowcrew.table.shutting import shut_socket
from rowcrew.table.statements import SQL

# What a client sees while a server is down or coming up. Whoever sees this knows that nobody else gets in.
_REFUSALS: Final = (
    "connection refused",
    "no such file or directory",
    "the database system is starting up",
    "the database system is shutting down",
    "the database system is not yet accepting connections",
    "the database system is in recovery mode",
    "terminating connection due to administrator command",
)
# Where all hosts are asked, a stand-by serves no writer. Where one is, writers may be elsewhere.
_STANDS_BY: Final = ("session is read-only", "server is in hot standby mode")
_ONE_OF_SEVERAL: Final = "\n- host: "


class NotAdmitted(psycopg.OperationalError):
    """The server answers, and must not be spoken to; another host of the address may do.

    Attributes:
        place: its host and port.
    """

    def __init__(self, why: str, connection: psycopg.AsyncConnection[Any]) -> None:
        super().__init__(why)
        self.place = (connection.info.host, str(connection.info.port))


class OldPrimary(NotAdmitted):
    """The server was a primary once, and another has been promoted since."""


class CommitsWait(NotAdmitted):
    """What was sent there before waits for a synchronous stand-by, and so would everything that follows."""


def places(address: str) -> list[tuple[str, str]]:
    """Host and port of each server that the address names."""
    return _places(conninfo_to_dict(for_psycopg(address)))


def alone(address: str, place: tuple[str, str]) -> str:
    """The address of this server alone, whether it takes writes or not."""
    asked = conninfo_to_dict(for_psycopg(address)) | {"host": place[0], "port": place[1]}
    return "postgresql:///?" + urlencode(asked | {"target_session_attrs": "any"}, quote_via=quote)


def is_refusal(error: BaseException, *, hosts: int = 1) -> bool:
    """Whether the error proves that the database serves nobody now, which silence does not.

    Args:
        hosts: how many servers the address names. All of them must have been asked, and have refused: one
            that does not answer here, or whose name is not found, may be serving others.
    """
    text = str(error).lower()
    if hosts == 1:
        return _refuses(text, _REFUSALS)
    attempts = text.split(_ONE_OF_SEVERAL)[1:]
    asked = {attempt.partition(", hostaddr")[0] for attempt in attempts}
    return len(asked) >= hosts and all(_refuses(attempt, _REFUSALS + _STANDS_BY) for attempt in attempts)


def _refuses(text: str, refusals: tuple[str, ...]) -> bool:
    return "timeout" not in text and any(refusal in text for refusal in refusals)


def others(asked: Mapping[str, Any], refused: tuple[str, str]) -> dict[str, str] | None:
    """`host` and `port` of a connection's parameters without this server; None where no other is left."""
    named = _places(asked)
    left = [place for place in named if place != refused]
    if not left or left == named or asked.get("hostaddr"):
        return None
    return {"host": ",".join(host for host, _ in left), "port": ",".join(port for _, port in left)}


def _places(asked: Mapping[str, Any]) -> list[tuple[str, str]]:
    hosts = str(asked.get("host") or "").split(",")
    ports = str(asked.get("port") or "5432").split(",")
    return list(zip(hosts, ports if len(ports) == len(hosts) else ports * len(hosts), strict=True))


class Timelines:
    """The newest timeline of each cluster that this process has met: a promotion begins a newer one.

    An old primary that comes back, or that nobody could reach to stop it, takes writes as before, and libpq
    asks for no more. What is written there is lost: it is passed by, and connections to it are shut.

    Args:
        tell: takes, once for each such timeline, what a log says of it.
    """

    def __init__(self, tell: Callable[[Mapping[str, str]], None]) -> None:
        self._tell = tell
        self._newest: dict[str, int] = {}
        self._told: set[tuple[str, int]] = set()
        self._open = WeakKeyDictionary[psycopg.AsyncConnection[Any], tuple[str, int]]()

    async def admit(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Look which server this is.

        Raises:
            OldPrimary: a newer timeline of its cluster has been met.
        """
        if connection.info.parameter_status("in_hot_standby") == "on":
            return  # it writes no timeline, and takes no writes
        try:
            row = await (await connection.execute(SQL["worker/server"])).fetchone()
        except psycopg.OperationalError:
            raise
        except psycopg.Error:
            return  # not every managed server says so
        if row is not None and row[1]:
            self._compare(connection, row[0], int(row[1], 16))

    def _compare(self, connection: psycopg.AsyncConnection[Any], cluster: str, timeline: int) -> None:
        newest = self._newest.get(cluster, 0)
        if timeline >= newest:
            self._newest[cluster] = timeline
            self._open[connection] = (cluster, timeline)
            if timeline > newest:
                self._shut_older(cluster, timeline)
            return
        place = f"{connection.info.host}:{connection.info.port}"
        if (cluster, timeline) not in self._told:
            self._told.add((cluster, timeline))
            self._tell({"place": place, "timeline": f"{timeline:X}", "newest": f"{newest:X}"})
        why = f"{place} is an old primary: it writes timeline {timeline:X}, and {newest:X} has begun"
        raise OldPrimary(why, connection)

    def _shut_older(self, cluster: str, timeline: int) -> None:
        for connection, (its_cluster, its_timeline) in list(self._open.items()):
            if its_cluster == cluster and its_timeline < timeline:
                shut_socket(connection)
