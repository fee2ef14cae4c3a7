"""Where a storm happens: a durable PostgreSQL, worker processes, their proxies, journals, and who is alive.

In: a directory. Out: workers that are kept running, and everything needed to hurt them. `faults` hurts,
`load` gives work, `__main__` joins them.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, LiteralString, Self

import psutil
import psycopg

import rowcrew
from rig.limits import little_memory, memory_limit_permitted, out_of_memory
from rig.next_version import NextVersion
from rig.pooler import Pooler, borrowed_state
from rig.ports import free_port
from rig.proxy import Proxy
from rig.standby import StandBy
from rig.worker_process import WorkerProcess, is_gone
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table import migrate
from storm import flow, network, trap
from storm.history import RECORDER, Fault, address_of, entries_of
from storm.log_pipe import LogPipe
from storm.odd import REFUSALS
from storm.receivers import Receivers

ROOT: Final = Path(__file__).parents[1]
SLOTS: Final = 6
SETTINGS: Final[dict[str, Any]] = {
    "SHUTDOWN_GRACE": 3,
    "CANCEL_GRACE": 2,
    "RUNNER_ENVIRONMENT": "JOURNAL,STORM_PROCESS",
    "WORKER_MAX_MEMORY": "150M",
    "EVENT_MERGE_INTERVAL": 3,
}
# Some control processes live hours away from the others; their runners, who write the journal, do not. The
# monotonic clock stays: it is one for all processes of a machine, and control and runners rely on that.
FAKETIME: Final = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
CLOCKS: Final = {1: "+2h", 2: "-2h"}
# The worker of the first place lives in a container too small for what its many slots may ask for.
SMALL_PLACE: Final = 0
SMALL_BYTES: Final = 288 << 20
MANY_SLOTS: Final = 18
MOST_CONNECTIONS: Final = 80
SERVER_SETTINGS: Final = {"max_connections": str(MOST_CONNECTIONS)}
# Fewer than the workers have connections, so that they share them.
POOLER_SESSIONS: Final = 10
EXIT_SECONDS: Final = 60.0
_CREW: Final = "storm.crew:crew"


class Member:
    """One place in the crew: a worker process, and its successors when it dies.

    Every second member speaks through a proxy; so does the one with its own network, and all before a pooler.
    """

    def __init__(self, site: Site, place: int, namespace: network.Namespace | None) -> None:
        self._site = site
        self._place = place
        self._namespace = namespace
        through_proxy = place % 2 == 0 or namespace is not None or site.shares_the_way
        address = site.server.tcp_url_of("postgres") if through_proxy else site.server.url
        self._address = address if site.pooler is None else site.pooler.url_of("postgres")
        host = "127.0.0.1" if namespace is None else namespace.here
        self.proxy = Proxy(self._address, host=host).__enter__() if through_proxy else None
        self.restart_at = 0.0
        self.number = 0
        self.worker: WorkerProcess | None = None
        self.log_pipe: LogPipe | None = None

    @property
    def lives(self) -> bool:
        return self.worker is not None and self.worker.exit_code is None

    def start(self) -> None:
        self.number = next(self._site.numbers)
        address = self._address if self.proxy is None else self.proxy.url
        clock = CLOCKS.get(self._place) if FAKETIME.exists() else None
        fake = (
            {"LD_PRELOAD": str(FAKETIME), "FAKETIME": clock, "FAKETIME_DONT_FAKE_MONOTONIC": 1}
            if clock
            else {}
        )
        is_small = self._site.small is not None and self._place == SMALL_PLACE
        slots = self._site.slots[self.number] = MANY_SLOTS if is_small else SLOTS
        log = self._site.directory / f"worker-{self.number}.log"
        log.touch()
        self.log_pipe = pipe = LogPipe(log)
        self._site.log_pipes.append(pipe)
        self.worker = WorkerProcess(
            self._marked(address),
            log=log,
            output=pipe.end,
            journal=self._site.journal,
            program=[*self._entrance(), sys.executable, "-m", "rowcrew.cli", "worker", _CREW],
            STORM_PROCESS=self.number,
            PYTHONPATH=os.pathsep.join([str(Path(rowcrew.__file__).parent.parent), str(ROOT)]),
            WORKER_CONCURRENCY=slots,
            **(SETTINGS | self._site.receivers.settings | fake),
        )
        os.close(pipe.end)
        self._site.processes[self.number] = self.worker

    def _entrance(self) -> list[str]:
        """What goes before the command of this place's worker."""
        if self._namespace is not None:
            return list(self._namespace.entrance)
        if self._site.small is not None and self._place == SMALL_PLACE:
            return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self._site.small / "cgroup.procs")]
        return []

    def _marked(self, address: str) -> str:
        """The address with the process's number, which then stands in every session."""
        if self._site.pooler is None:
            return f"{address}{'&' if '?' in address else '?'}options=-c%20storm.process%3D{self.number}"
        assert self.proxy is not None
        self.proxy.source = address_of(self.number)
        return address

    def signal(self, number: signal.Signals) -> None:
        if self.lives and self.worker is not None:
            with suppress(ProcessLookupError):
                self.worker.signal(number)


class Site:
    """The scene of one storm, as a context manager: what it has started ends with it.

    Args:
        directory: for journals and logs.
        members: how many workers.
        pooled: whether they reach the server through PgBouncer in transaction mode alone.
        namespaced: whether the last of them has a network of its own.
        promotable: whether a stand-by follows the server, and can take its place.
    """

    def __init__(
        self,
        directory: Path,
        *,
        members: int,
        pooled: bool = False,
        namespaced: bool = False,
        promotable: bool = False,
    ) -> None:
        self.directory = directory
        self.journal = directory / "journal"
        self.server = EmbeddedPostgres(durable=True, port=free_port(), settings=SERVER_SETTINGS)
        self.numbers = itertools.count(1)
        self.processes: dict[int, WorkerProcess] = {}
        self.log_pipes: list[LogPipe] = []
        self.slots: dict[int, int] = {}
        self.small: Path | None = None
        self.members: list[Member] = []
        self.faults: list[Fault] = []
        self.server_fault = threading.Lock()
        self.pooler_fault = threading.Lock()
        self.seen_alive: dict[str, float] = {}
        self.memory: dict[int, list[tuple[float, int]]] = {}
        self.pooler: Pooler | None = None
        self.namespace = network.Namespace() if namespaced else None
        here = "127.0.0.1" if self.namespace is None else self.namespace.here
        self.receivers = Receivers(directory, host=here)
        self.standby: StandBy | None = None
        self._pooled = pooled
        self._promotable = promotable
        self._size = members
        self._started = ExitStack()
        self._keeping = threading.Event()

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._started.close()
            raise
        return self

    def _open(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.journal.touch()
        self._started.enter_context(self.server)
        if memory_limit_permitted():
            self.small = self._started.enter_context(little_memory(SMALL_BYTES))
        if self.namespace is not None:
            self._started.enter_context(self.namespace)
        self._started.enter_context(self.receivers)
        if self._pooled:
            pooler = Pooler(self.server.tcp_url_of("postgres"), sessions=POOLER_SESSIONS, tells_hosts=True)
            self.pooler = self._started.enter_context(pooler)
        self._started.callback(self._kill_all)
        self.next_version = NextVersion(self.directory / "next-version")
        migrate.migrate(self.server.url)
        with self.connect("storm setup") as connection:
            connection.execute(RECORDER)
            connection.execute(REFUSALS)
            connection.execute(trap.SETUP)
            connection.execute(flow.SETUP)
            self.receivers.ask_to_be_told(connection)
        if self._promotable:
            standby = StandBy(self.server, durable=True, settings=SERVER_SETTINGS)
            self.standby = self._started.enter_context(standby)
        last = self._size - 1
        self.members = [
            Member(self, place, self.namespace if place == last else None) for place in range(self._size)
        ]
        for member in self.members:
            member.start()
        for member in self.members:
            assert member.worker is not None
            member.worker.said("worker.ready", seconds=90)
        self._keeping.set()
        for work in (self._keep, self._watch, self._weigh):
            threading.Thread(target=work, daemon=True).start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeping.clear()
        self._started.close()

    @property
    def shares_the_way(self) -> bool:
        """Whether all members have to go through something that the storm can lead elsewhere."""
        return self.pooler is not None or self.standby is not None

    def promote(self) -> None:
        """Halt the server as a crash does; the stand-by takes its place, with what it has received."""
        assert self.standby is not None
        self.server.halt("immediate")
        self.standby.promote()
        self.server = self.standby.server
        for member in self.members:
            assert member.proxy is not None
            member.proxy.lead_to(self.server.tcp_url_of("postgres"))

    def connect(self, name: str) -> psycopg.Connection[Any]:
        """A connection that workers and their faults know nothing of."""
        return psycopg.connect(self.server.url, autocommit=True, application_name=name)

    def patiently(self, name: str, query: LiteralString, *parameters: Any) -> list[tuple[Any, ...]]:
        """Send a statement until the server has taken it; only for statements that may run twice."""
        while True:
            with suppress(psycopg.OperationalError), self.connect(name) as connection:
                cursor = connection.execute(query, parameters)
                return cursor.fetchall() if cursor.description else []
            time.sleep(0.2)

    def write_down(self, what: str, **facts: Any) -> None:
        entry = {"what": what, "at": time.time(), **facts}
        with (self.directory / "supervisor").open("a") as journal:
            journal.write(json.dumps(entry) + "\n")

    def calm(self) -> None:
        """Heal every fault, bring every worker back, and let no schedule make more jobs."""
        if self.namespace is not None:
            self.namespace.heal()
        for member in self.members:
            member.restart_at = 0.0
            member.signal(signal.SIGCONT)
            if member.proxy is not None:
                member.proxy.heal()
        self.patiently("storm calm", flow.NO_MORE_TICKS)

    def out_of_memory(self) -> int:
        """How many processes the kernel has killed in the small container."""
        return 0 if self.small is None else out_of_memory(self.small)

    def read_logs(self) -> None:
        """Wait until everything that processes wrote is in their logs."""
        for pipe in self.log_pipes:
            pipe.close()

    def stop(self) -> list[str]:
        """Stop all workers with SIGTERM; complaints about those that did not end as they should."""
        self._keeping.clear()
        complaints = []
        for member in self.members:
            member.signal(signal.SIGTERM)
        for member in self.members:
            if member.worker is None:
                continue
            try:
                code = member.worker.exited(EXIT_SECONDS)
            except AssertionError:
                complaints.append(f"process {member.number} did not exit")
                continue
            if code != 0:
                complaints.append(f"process {member.number} exited with {code} after SIGTERM")
        return complaints

    def borrowed_state(self) -> list[str]:
        """What workers have left in the sessions that the pooler lent to them; ends the pooler."""
        if self.pooler is None:
            return []
        left = borrowed_state(self.pooler.url_of("postgres"), POOLER_SESSIONS)
        self.pooler.kill()
        return left

    def family_left(self) -> list[str]:
        """Processes that belong to this storm and outlive their worker; they are ended now."""
        mark = f"JOURNAL={self.journal}".encode()
        left = []
        for process in psutil.process_iter():
            with suppress(OSError, psutil.Error):
                if mark in Path(f"/proc/{process.pid}/environ").read_bytes() and not is_gone(process.pid):
                    left.append(f"process {process.pid} is left: {' '.join(process.cmdline())[:120]}")
                    process.kill()
        return left

    def _keep(self) -> None:
        """Start a successor for each worker that is gone, when its time has come."""
        while self._keeping.is_set():
            for member in self.members:
                if not member.lives and time.monotonic() >= member.restart_at:
                    member.start()
            time.sleep(0.1)

    def _watch(self) -> None:
        """Note how long each open run's process was seen alive: later its id may be another process's."""
        open_runs: dict[str, int] = {}
        with self.journal.open() as journal:
            while self._keeping.is_set():
                for entry in entries_of(journal):
                    if entry["what"] == "start":
                        open_runs[entry["lease"]] = entry["pid"]
                    else:
                        open_runs.pop(entry["lease"], None)
                for lease, pid in list(open_runs.items()):
                    now = time.time()
                    if is_gone(pid):
                        del open_runs[lease]
                    else:
                        self.seen_alive[lease] = now
                time.sleep(0.1)

    def _weigh(self) -> None:
        """Note how much memory each control process has."""
        while self._keeping.is_set():
            for member in self.members:
                with suppress(psutil.Error):
                    if member.worker is not None:
                        used = psutil.Process(member.worker.pid).memory_info().rss
                        self.memory.setdefault(member.number, []).append((time.time(), used))
            time.sleep(1)

    def _kill_all(self) -> None:
        for member in self.members:
            if member.proxy is not None:
                member.proxy.__exit__(None, None, None)
        for worker in self.processes.values():
            worker.clean_up()
