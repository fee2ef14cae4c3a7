"""Watches jobs until they have ended: one thread and one connection for all who wait in a process.

In: ids, from any thread and any event loop. Out: a future for each, with how the job stands at its end.
Called by `ends`. Workers tell the ends they hear somebody waits for; whatever they do not tell is found by
looking, at once, soon, and then once a second. So no row and no trigger is needed, and jobs that nobody
waits for cost nothing.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg

from rowcrew.model.errors import DatabaseUnavailable, JobGone
from rowcrew.model.status import ENDED
from rowcrew.table import producer
from rowcrew.table.address import without_password
from rowcrew.table.link import is_outage, is_pooled, reason
from rowcrew.table.listening import id_texts
from rowcrew.table.opening import opened
from rowcrew.table.producer import JobEnd
from rowcrew.table.question import answered, psycopg_rows
from rowcrew.table.statements import SQL

FIRST_LOOK_SECONDS: Final = 0.05
LONGEST_LOOK_SECONDS: Final = 1.0
EXPECT_SECONDS: Final = 10.0
"""A worker that starts meanwhile has not heard what is waited for: it is said again."""
UNSEEN_SECONDS: Final = 60.0
"""How long a row may be invisible: the transaction that enqueued the job may be open."""
IDLE_SECONDS: Final = 5.0
_IDS_A_LOOK: Final = 1_000


class Wanted:
    """One job that somebody waits for.

    Attributes:
        last: how it stood when it was last seen; None before.
    """

    def __init__(self, now: float) -> None:
        self.futures: list[Future[JobEnd]] = []
        self.last: JobEnd | None = None
        self.since = now
        self.due = now
        self.expect_at = now
        self.is_looked_at = False
        self._pause = FIRST_LOOK_SECONDS

    def looked(self, now: float) -> None:
        """Look again later, less and less often."""
        self.is_looked_at = True
        self.due = now + self._pause
        self._pause = min(LONGEST_LOOK_SECONDS, self._pause * 1.5)


class Watch:
    """The watcher of one database: its thread lives, and is connected, while somebody waits."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._wanted: dict[int, Wanted] = {}
        self._thread: threading.Thread | None = None
        self._bell, self._hammer = socket.socketpair()
        for end in (self._bell, self._hammer):
            end.setblocking(False)

    def close(self) -> None:
        """Of one that nobody has asked for anything."""
        self._bell.close()
        self._hammer.close()

    def want(self, id: int) -> Future[JobEnd]:
        """The end of a job, as soon as there is one; `forget` it when nobody waits any more."""
        future: Future[JobEnd] = Future()
        with self._lock:
            wanted = self._wanted.setdefault(id, Wanted(time.monotonic()))
            wanted.futures.append(future)
            wanted.due = min(wanted.due, time.monotonic())
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="rowcrew watch", daemon=True)
                self._thread.start()
        self._ring()
        return future

    def forget(self, id: int, future: Future[JobEnd]) -> None:
        with self._lock:
            wanted = self._wanted.get(id)
            if wanted is not None and future in wanted.futures:
                wanted.futures.remove(future)
                if not wanted.futures:
                    del self._wanted[id]

    def last_seen(self, id: int) -> JobEnd | None:
        """How the job stood when it was last looked at."""
        with self._lock:
            wanted = self._wanted.get(id)
            return None if wanted is None else wanted.last

    def _ring(self) -> None:
        with suppress(BlockingIOError):  # it rings already
            self._hammer.send(b"!")

    def _run(self) -> None:
        pause = FIRST_LOOK_SECONDS
        while not self.is_over():
            try:
                with self._connected() as session:
                    pause = FIRST_LOOK_SECONDS
                    session.serve()
                    return
            except psycopg.Error as error:
                if is_outage(error):
                    self._fail(self._unavailable(error), lambda wanted: not wanted.is_looked_at)
                    time.sleep(pause)
                    pause = min(2 * pause, LONGEST_LOOK_SECONDS)
                else:
                    self._fail(error, lambda _: True)
            except BaseException as error:
                self._fail(error, lambda _: True)

    @contextmanager
    def _connected(self) -> Iterator[_Session]:
        connection = opened(self._address, name="watch", autocommit=True)
        connection.prepare_threshold = None
        try:
            yield _Session(self, connection)
        finally:
            with suppress(psycopg.Error):
                connection.close()

    def _unavailable(self, error: psycopg.Error) -> DatabaseUnavailable:
        return DatabaseUnavailable(f"{without_password(self._address)}: {reason(error)}")

    def is_over(self) -> bool:
        """Whether nobody waits; then this thread is nobody's any more, and the next who waits starts one."""
        with self._lock:
            if self._wanted:
                return False
            self._thread = None
            return True

    def _fail(self, error: BaseException, concerned: Callable[[Wanted], bool]) -> None:
        """What keeps us from looking; who has seen the job already goes on waiting through an outage."""
        with self._lock:
            ids = [id for id, wanted in self._wanted.items() if concerned(wanted)]
            failed = [future for id in ids for future in self._wanted.pop(id).futures]
        for future in failed:
            _settle(future, error)

    def next_due(self) -> float | None:
        """When to look again; None when nobody waits."""
        with self._lock:
            return min((wanted.due for wanted in self._wanted.values()), default=None)

    def due(self, now: float) -> list[int]:
        """The jobs to look at now."""
        with self._lock:
            return [id for id, wanted in self._wanted.items() if wanted.due <= now][:_IDS_A_LOOK]

    def to_expect(self, now: float) -> list[int]:
        """The jobs of which workers have not heard, or not lately."""
        with self._lock:
            ids = [id for id, wanted in self._wanted.items() if wanted.expect_at <= now]
            for id in ids:
                self._wanted[id].expect_at = now + EXPECT_SECONDS
            return ids

    def ended(self, ids: list[int]) -> None:
        """Somebody says that these have ended: look."""
        with self._lock:
            for id in ids:
                if id in self._wanted:
                    self._wanted[id].due = 0.0

    def saw(self, ids: list[int], rows: list[JobEnd]) -> None:
        """Take what a look at these jobs has shown."""
        now = time.monotonic()
        standing = {row.id: row for row in rows}
        with self._lock:
            settled = [pair for id in ids for pair in self._judged(id, standing.get(id), now)]
        for future, answer in settled:
            _settle(future, answer)

    def _judged(
        self, id: int, row: JobEnd | None, now: float
    ) -> list[tuple[Future[JobEnd], JobEnd | JobGone]]:
        """The futures that this look settles."""
        wanted = self._wanted.get(id)
        if wanted is None:
            return []
        wanted.looked(now)
        answer = _answer(id, row, wanted, now)
        if answer is None:
            wanted.last = row
            return []
        del self._wanted[id]
        return [(future, answer) for future in wanted.futures]

    def wait(self, descriptor: int, until: float) -> bool:
        """Until then, or until the server says something; whether somebody rang meanwhile."""
        ready = select.poll()
        ready.register(descriptor, select.POLLIN)
        ready.register(self._bell, select.POLLIN)
        ready.poll(max(0.0, until - time.monotonic()) * 1_000)
        with suppress(BlockingIOError):
            return bool(self._bell.recv(4_096))
        return False


class _Session:
    """What a watch does with one connection, until it is lost or nobody waits any more."""

    def __init__(self, watch: Watch, connection: psycopg.Connection[Any]) -> None:
        self._watch = watch
        self._connection = connection
        self._listens = False

    def serve(self) -> None:
        """Look, and wait for what is said.

        Raises:
            psycopg.Error: the connection is lost, or the server refuses.
        """
        self._listens = self._listen()
        idle_since: float | None = None
        while True:
            now = time.monotonic()
            due = self._watch.next_due()
            if due is None:
                idle_since = idle_since or now
                due = idle_since + IDLE_SECONDS
                if due <= now and self._watch.is_over():
                    return
            else:
                idle_since = None
            self._watch.wait(self._connection.fileno(), due)
            self._hear()
            self._look()

    def _listen(self) -> bool:
        """Whether this session is one that can listen: not one lent by a pooler, nor one of a standby."""
        if is_pooled(self._connection):
            return False
        try:
            self._connection.execute(SQL["link/listen_ended"])
        except psycopg.Error:
            if self._connection.closed:
                raise
            return False
        self._connection.add_notify_handler(lambda notify: self._watch.ended(_ids(notify.payload)))
        return True

    def _hear(self) -> None:
        """Notifications that came while nothing was asked."""
        server = self._connection.pgconn
        server.consume_input()
        while notification := server.notifies():
            self._watch.ended(_ids(notification.extra.decode("ascii", "replace")))

    def _look(self) -> None:
        """First workers hear of it and then we look: an end in between is seen, or told."""
        now = time.monotonic()
        if self._listens and (ids := self._watch.to_expect(now)):
            answered(producer.expect(id_texts(ids)), lambda asked: psycopg_rows(self._connection, asked))
        while due := self._watch.due(now):
            rows = answered(producer.ends(due), lambda asked: psycopg_rows(self._connection, asked))
            self._watch.saw(due, rows)


def _answer(id: int, row: JobEnd | None, wanted: Wanted, now: float) -> JobEnd | JobGone | None:
    """What there is to say; None while there is nothing."""
    if row is not None:
        return row if row.status in ENDED else None
    if wanted.last is not None:
        return JobGone(f"job {id} was deleted while it was waited for; it was {wanted.last.status}")
    if now - wanted.since < UNSEEN_SECONDS:
        return None
    return JobGone(
        f"job {id} is not in the table: it was deleted, or the transaction that enqueued it has not "
        f"committed within {UNSEEN_SECONDS:.0f} seconds; commit first, then wait"
    )


def _settle(future: Future[JobEnd], answer: JobEnd | BaseException) -> None:
    if future.set_running_or_notify_cancel():
        if isinstance(answer, BaseException):
            future.set_exception(answer)
        else:
            future.set_result(answer)


def _ids(payload: str) -> list[int]:
    return [int(text) for text in payload.split(",") if len(text) < 20 and text.isascii() and text.isdigit()]


_watches: Final[dict[tuple[int, str], Watch]] = {}
"""Of this process: a copy of it has neither the thread nor a right to the connection."""


def watch_of(address: str) -> Watch:
    """The watch of this process for a database."""
    place = (os.getpid(), address)
    if (known := _watches.get(place)) is not None:
        return known
    watch = Watch(address)
    kept = _watches.setdefault(place, watch)
    if kept is not watch:  # another thread was sooner; no lock, which a fork would copy held
        watch.close()
    return kept
