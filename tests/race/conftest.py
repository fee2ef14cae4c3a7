"""One row in a database of the module's own, and two sessions that meet on it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

import psycopg
import pytest

from rig.databases import new_database
from rig.staging import past_triggers
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres
from tests.race.transitions import GONE, LEASE, Answer, Connection, Row, Send


class Meeting(NamedTuple):
    """What the first and the second transition answered, and whether the second had to wait for the first."""

    first: Answer
    second: Future[Answer]
    waited: bool


Meet = Callable[..., Meeting]


class Table:
    """One job, the ended one that it may wait for, worker 1 and worker 2."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        connection.execute("DELETE FROM jobs")
        connection.execute("DELETE FROM job_attempts")
        connection.execute("DELETE FROM workers")
        connection.execute("DELETE FROM queues")
        connection.execute("DELETE FROM schedules")
        connection.execute(
            """
            INSERT INTO workers (id, "bootId") OVERRIDING SYSTEM VALUE
            VALUES (1, gen_random_uuid()), (2, gen_random_uuid())
            """
        )
        ended = "INSERT INTO jobs (type, status) VALUES ('noop', 'completed') RETURNING id"
        ((self.ended_id,),) = connection.execute(ended).fetchall()
        ((self.id,),) = connection.execute("INSERT INTO jobs (type) VALUES ('noop') RETURNING id").fetchall()
        connection.execute(
            """
            INSERT INTO schedules (name, type, "everySeconds", overlap, "lastJobId")
            VALUES ('replacing', 'noop', 60, 'cancelOld', %s)
            """,
            (self.id,),
        )

    def put(self, row: Row) -> None:
        """Make the job look like this."""
        for outcome in row.told:
            self.connection.execute(
                'INSERT INTO job_attempts ("leaseId", "jobId", attempt, outcome) VALUES (%s, %s, 1, %s)',
                (LEASE, self.id, outcome),
            )
        if row.limited:
            self.connection.execute("""INSERT INTO queues (queue, "maxConcurrent") VALUES ('default', 9)""")
        with past_triggers(self.connection):
            self.connection.execute(
                """
                UPDATE jobs
                   SET status = %(status)s, attempts = %(attempts)s,
                       "workerId" = %(worker)s, "leaseId" = %(lease)s,
                       "runAt" = CASE WHEN %(parked)s THEN timestamptz '9000-01-01 00:00+00' WHEN %(waits)s
                                      THEN now() + interval '20 s' ELSE now() END,
                       "notBefore" = CASE WHEN %(parked)s THEN now() END,
                       "waitsFor" = CASE WHEN %(dependent)s THEN ARRAY[CAST(%(ended_id)s AS bigint)] END,
                       watches = CASE WHEN %(unheard)s THEN %(ended_id)s WHEN %(parked)s THEN 0 END,
                       "startedAt" = clock_timestamp(), revision = revision + 1,
                       result = CASE WHEN %(kept)s THEN '{}'::jsonb END,
                       "finishedAt" = CASE WHEN %(is_past)s THEN now() - interval '1 year'
                                           WHEN %(status)s NOT IN ('queued', 'processing') THEN now() END
                 WHERE id = %(id)s
                """,
                {
                    **row._asdict(),
                    "id": self.id,
                    "ended_id": self.ended_id,
                    "lease": LEASE if row.lease == "old" else uuid.uuid4(),
                },
            )

    def row(self) -> Row:
        told = self.connection.execute('SELECT outcome FROM job_attempts ORDER BY "finishedAt"').fetchall()
        found = self.connection.execute(
            """
            SELECT status, attempts, "workerId", CASE "leaseId" WHEN %s THEN 'old' ELSE 'new' END,
                   coalesce("notBefore", "runAt") > clock_timestamp(), "startedAt" IS NOT NULL,
                   coalesce("finishedAt" < now() - interval '1 day', false), "waitsFor" IS NOT NULL,
                   "notBefore" IS NOT NULL, coalesce(watches > 0, false),
                   EXISTS (SELECT FROM queues WHERE limited), result IS NOT NULL
              FROM jobs
             WHERE id = %s
            """,
            (LEASE, self.id),
        ).fetchone()
        row = GONE if found is None else Row(*found)
        return row._replace(told=tuple(outcome for (outcome,) in told))


@pytest.fixture(scope="module")
def sessions(server: EmbeddedPostgres, migrated_template: str) -> Iterator[Callable[..., Connection]]:
    """Opens sessions in a migrated database of this module."""
    with new_database(server, "race", template=migrated_template) as name, ExitStack() as opened:

        def session(*, autocommit: bool = True) -> Connection:
            connection = psycopg.connect(server.url_of(name), autocommit=autocommit)
            return opened.enter_context(connection)

        yield session


@pytest.fixture(scope="module")
def three(sessions: Callable[..., Connection]) -> tuple[Connection, Connection, Connection]:
    """The first session, in transactions; the second; and one that watches them."""
    return sessions(autocommit=False), sessions(), sessions()


@pytest.fixture
def table(three: tuple[Connection, Connection, Connection]) -> Table:
    return Table(three[2])


@pytest.fixture
def meet(table: Table, three: tuple[Connection, Connection, Connection]) -> Iterator[Meet]:
    """Let two transitions meet on the row: the first ends once the second waits for it or is through."""
    holding, coming, watching = three
    with ThreadPoolExecutor(max_workers=1) as threads:

        def meet(first: Send, second: Send, *, commit: bool) -> Meeting:
            with holding.transaction(force_rollback=not commit):
                told = first(holding, table.id)
                answer = threads.submit(second, coming, table.id)
                waited = eventually(lambda: _is_settled(watching, coming, answer)) == "waits"
            answer.exception(timeout=30)
            return Meeting(told, answer, waited)

        yield meet


def _is_settled(watching: Connection, coming: Connection, answer: Future[Answer]) -> str | None:
    if answer.done():
        return "is through"
    row = watching.execute(
        "SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", (coming.info.backend_pid,)
    ).fetchone()
    return "waits" if row == ("Lock",) else None
