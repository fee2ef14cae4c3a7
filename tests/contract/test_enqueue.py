"""The producers' client: every kind of connection, in the producer's own transaction, with unique keys."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
import pytest
import sqlalchemy
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from rig.waiting import eventually
from rowcrew import (
    Enqueued,
    InvalidJob,
    NewJob,
    client,
    enqueue,
    enqueue_async,
    enqueue_many,
    enqueue_many_async,
    get,
    get_async,
)
from rowcrew.crew import Crew
from rowcrew.model.errors import DatabaseUnavailable, RowcrewError
from rowcrew.table.address import for_sqlalchemy
from rowcrew.table.question import Question, Rows, answered, psycopg_rows
from rowcrew.table.statements import SQL
from tests.conftest import Connect
from tests.contract.hands import insert, job_in, one, read

PAYLOAD = {"text": "%s :jobs %(jobs)s ü € 😀 ' \" \\", "n": 1.5, "list": [1, None, True]}

Open = Callable[[str, str], AbstractContextManager[Any]]
OpenAsync = Callable[[str, str], AbstractAsyncContextManager[Any]]


@contextmanager
def psycopg_connection(url: str, _tcp_url: str) -> Iterator[Any]:
    with psycopg.connect(url) as connection:
        yield connection


@contextmanager
def psycopg_connection_of_dicts_and_raw_cursors(url: str, _tcp_url: str) -> Iterator[Any]:
    with psycopg.connect(url, row_factory=dict_row, cursor_factory=psycopg.RawCursor) as connection:
        yield connection


@contextmanager
def sqlalchemy_session(url: str, _tcp_url: str) -> Iterator[Any]:
    engine = sqlalchemy.create_engine(for_sqlalchemy(url), poolclass=sqlalchemy.NullPool)
    with Session(engine) as session:
        yield session


@contextmanager
def sqlalchemy_connection(url: str, _tcp_url: str) -> Iterator[Any]:
    engine = sqlalchemy.create_engine(for_sqlalchemy(url), poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        yield connection


@asynccontextmanager
async def psycopg_async_connection(url: str, _tcp_url: str) -> AsyncIterator[Any]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        yield connection


@asynccontextmanager
async def sqlalchemy_async_session_on_psycopg(url: str, _tcp_url: str) -> AsyncIterator[Any]:
    engine = create_async_engine(for_sqlalchemy(url), poolclass=sqlalchemy.NullPool)
    async with AsyncSession(engine) as session:
        yield session


@asynccontextmanager
async def sqlalchemy_async_session_on_asyncpg(_url: str, tcp_url: str) -> AsyncIterator[Any]:
    engine = create_async_engine(tcp_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with AsyncSession(engine) as session:
        yield session
    await engine.dispose()


@asynccontextmanager
async def sqlalchemy_async_connection_on_asyncpg(_url: str, tcp_url: str) -> AsyncIterator[Any]:
    engine = create_async_engine(tcp_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


SYNC = [
    psycopg_connection,
    psycopg_connection_of_dicts_and_raw_cursors,
    sqlalchemy_session,
    sqlalchemy_connection,
]
ASYNC = [
    psycopg_async_connection,
    sqlalchemy_async_session_on_psycopg,
    sqlalchemy_async_session_on_asyncpg,
    sqlalchemy_async_connection_on_asyncpg,
]


@pytest.mark.parametrize("opened", SYNC)
def test_the_job_exists_when_the_producer_commits_and_never_when_it_rolls_back(
    opened: Open, database_url: str, tcp_database_url: str, connect: Connect
) -> None:
    with opened(database_url, tcp_database_url) as on:
        dropped = enqueue("x", PAYLOAD, on=on)
        on.rollback()
        kept = enqueue("x", PAYLOAD, priority="high", unique_key="k", on=on)
        again = enqueue_many([NewJob("x", unique_key="k"), NewJob("y")], on=on)
        assert read_nothing(connect), "nothing is committed on the producer's connection"
        status = get(kept.id, on=on)
        on.commit()
    assert again[0] == (kept.id, False)
    assert again[1].created
    assert status is not None
    assert (status.type, status.status, status.priority) == ("x", "queued", 10)
    assert read(connect(), kept.id, "payload", "priority", "uniqueKey") == (PAYLOAD, 10, "k")
    assert one(connect(), "SELECT array_agg(id ORDER BY id) FROM jobs") == ([kept.id, again[1].id],)
    assert dropped.id not in (kept.id, again[1].id)


@pytest.mark.anyio
@pytest.mark.parametrize("opened", ASYNC)
async def test_the_async_forms_do_the_same(
    opened: OpenAsync, database_url: str, tcp_database_url: str, connect: Connect
) -> None:
    async with opened(database_url, tcp_database_url) as on:
        dropped = await enqueue_async("x", PAYLOAD, on=on)
        await on.rollback()
        kept = await enqueue_async("x", PAYLOAD, priority="high", unique_key="k", on=on)
        again = await enqueue_many_async([NewJob("x", unique_key="k"), NewJob("y")], on=on)
        assert read_nothing(connect), "nothing is committed on the producer's connection"
        status = await get_async(kept.id, on=on)
        await on.commit()
    assert again[0] == (kept.id, False)
    assert again[1].created
    assert status is not None
    assert (status.type, status.status, status.priority) == ("x", "queued", 10)
    assert read(connect(), kept.id, "payload", "priority", "uniqueKey") == (PAYLOAD, 10, "k")
    assert one(connect(), "SELECT array_agg(id ORDER BY id) FROM jobs") == ([kept.id, again[1].id],)
    assert dropped.id not in (kept.id, again[1].id)


def read_nothing(connect: Connect) -> bool:
    return one(connect(), "SELECT count(*) FROM jobs") == (0,)


@pytest.fixture
def own_connection(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.delenv("JOB_QUEUE_NAME", raising=False)


@pytest.mark.usefixtures("own_connection")
def test_without_a_connection_the_job_is_committed_at_once(connect: Connect) -> None:
    enqueued = enqueue("x", {"n": 1})
    assert read(connect(), enqueued.id, "payload") == ({"n": 1},)


@pytest.mark.anyio
@pytest.mark.usefixtures("own_connection")
async def test_without_a_connection_the_async_form_commits_at_once_too(connect: Connect) -> None:
    enqueued = await enqueue_async("x", {"n": 1})
    assert read(connect(), enqueued.id, "payload") == ({"n": 1},)
    assert await get_async(enqueued.id + 1) is None


def test_an_unreachable_database_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hidden@127.0.0.1:1/db")
    with pytest.raises(DatabaseUnavailable, match=r"postgresql://me@127\.0\.0\.1:1/db: ") as refusal:
        enqueue("x")
    assert "hidden" not in str(refusal.value)


@pytest.mark.usefixtures("own_connection")
def test_a_producer_without_a_queue_uses_the_one_of_its_settings(
    monkeypatch: pytest.MonkeyPatch, connect: Connect
) -> None:
    monkeypatch.setenv("JOB_QUEUE_NAME", "reports")
    chosen, left = enqueue_many([NewJob("x", queue="mail"), NewJob("x")], on=connect())
    assert read(connect(), chosen.id, "queue") == ("mail",)
    assert read(connect(), left.id, "queue") == ("reports",)


def test_every_option_reaches_its_column(connect: Connect) -> None:
    at = datetime(2031, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    full = NewJob(
        "x",
        {"a": 1},
        queue="q",
        priority=-7,
        run_at=at,
        max_attempts=9,
        timeout_seconds=60,
        unique_key="u",
        concurrency_key="c",
        parent_id=5,
    )
    columns = ("type", "payload", "queue", "priority", "runAt", "maxAttempts", "timeoutSeconds", "uniqueKey")
    id = enqueue(full, on=connect()).id
    assert read(connect(), id, *columns) == ("x", {"a": 1}, "q", -7, at, 9, 60, "u")
    assert read(connect(), id, "concurrencyKey", "parentId", "status", "attempts") == ("c", 5, "queued", 0)


def test_a_job_without_options_equals_one_inserted_with_sql(connect: Connect) -> None:
    theirs, ours = insert(connect()), enqueue("test", on=connect()).id
    own = {"id", "createdAt", "updatedAt", "runAt"}
    rows = [one(connect(), "SELECT to_jsonb(jobs) FROM jobs WHERE id = %s", [id])[0] for id in (theirs, ours)]
    first, second = ({name: row[name] for name in row.keys() - own} for row in rows)
    assert first == second


def test_a_delay_counts_from_now(connect: Connect) -> None:
    id = enqueue("x", run_at=timedelta(minutes=5), on=connect()).id
    asked = 'SELECT "runAt" - clock_timestamp() FROM jobs WHERE id = %s'
    assert timedelta(minutes=4) < one(connect(), asked, [id])[0] <= timedelta(minutes=5)


def test_ids_come_back_in_the_order_of_the_jobs(connect: Connect) -> None:
    job_in(connect(), "processing", type="x", uniqueKey="key 7")
    jobs = [NewJob("x", {"n": n}, unique_key=f"key {n}" if n % 7 == 0 else None) for n in range(500)]
    answers = enqueue_many(jobs, on=connect())
    assert answers[7] == (1, False)
    stored: dict[int, Any] = dict(connect().execute("SELECT id, payload FROM jobs").fetchall())
    created = [stored[answer.id]["n"] for answer in answers if answer.created]
    assert created == [n for n in range(500) if n != 7]
    assert sorted(answers) == [answers[7], *(answer for answer in answers if answer.created)]


def test_the_same_unique_key_twice_in_one_list_makes_one_job(connect: Connect) -> None:
    first, other, second = enqueue_many(
        [{"type": "x", "unique_key": "k"}, {"type": "x"}, {"type": "x", "unique_key": "k"}], on=connect()
    )
    assert first.created
    assert second == (first.id, False)
    assert other.id != first.id


@pytest.mark.parametrize("ending", ["completed", "failed", "cancelled"])
def test_an_ended_job_frees_its_unique_key(connect: Connect, ending: str) -> None:
    ended = job_in(connect(), ending, uniqueKey="k")
    assert enqueue("test", unique_key="k", on=connect()) == (ended + 1, True)


def test_of_two_producers_with_one_key_the_second_gets_the_firsts_job(connect: Connect) -> None:
    first, second = connect(autocommit=False), connect(autocommit=False)
    made = enqueue("x", unique_key="k", on=first)
    answers, waiter = enqueue_behind(second)
    await_block(connect, second)
    first.commit()
    waiter.join(30)
    assert answers == [(made.id, False)]


def test_when_the_first_producer_rolls_back_the_second_makes_the_job(connect: Connect) -> None:
    first, second = connect(autocommit=False), connect(autocommit=False)
    made = enqueue("x", unique_key="k", on=first)
    answers, waiter = enqueue_behind(second)
    await_block(connect, second)
    first.rollback()
    waiter.join(30)
    assert [answer.created for answer in answers] == [True]
    assert answers[0].id != made.id


def enqueue_behind(producer: psycopg.Connection[Any]) -> tuple[list[Enqueued], threading.Thread]:
    """Enqueue on another thread; the list holds the answer when the thread has ended."""
    answers: list[Enqueued] = []
    thread = threading.Thread(
        target=lambda: answers.append(enqueue("x", unique_key="k", on=producer)), daemon=True
    )
    thread.start()
    return answers, thread


def await_block(connect: Connect, blocked: psycopg.Connection[Any]) -> None:
    pid = blocked.info.backend_pid
    eventually(lambda: one(connect(), "SELECT cardinality(pg_blocking_pids(%s)) > 0", [pid])[0])


def test_a_live_job_that_ends_between_insert_and_look_up_does_not_hide_its_key(connect: Connect) -> None:
    """Insert meets the live job, the job ends, the look-up finds nothing: insert again."""
    live = job_in(connect(), "processing", uniqueKey="k")
    producer, worker = connect(), connect()

    asked = []

    def ask(question: Question) -> Rows:
        asked.append(question.statement)
        if question.statement == SQL["producer/live_job"]:
            worker.execute("UPDATE jobs SET status = 'failed' WHERE id = %s", [live])
        return psycopg_rows(producer, question)

    (answer,) = answered(client._enqueue([NewJob("test", unique_key="k", queue="q")]), ask)
    assert asked == [SQL[f"producer/{name}"] for name in ("enqueue", "live_job", "enqueue")]
    assert answer.created
    assert answer.id > live


def test_one_invalid_job_in_a_list_stops_all_and_is_named_by_its_place(connect: Connect) -> None:
    jobs: list[dict[str, Any]] = [
        {"type": "x"},
        {"type": "x"},
        {"type": "x", "payload": {"a": [1, float("nan")]}},
    ]
    with pytest.raises(InvalidJob, match=r"^jobs\[2\]\.payload\.a\[1\]: nan is not a JSON number"):
        enqueue_many(jobs, on=connect())
    with pytest.raises(InvalidJob, match=r"^jobs\[0\]: Unexpected keyword argument 'runat'"):
        enqueue_many([{"type": "x", "runat": None}], on=connect())
    assert read_nothing(connect)


LEAVES_OUT: LiteralString = """
CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN IF NEW.payload ? 'out' THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER leave_out BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION leave_out()
"""


@pytest.mark.usefixtures("own_connection")
def test_a_row_that_a_trigger_leaves_out_is_told_and_no_other_is_inserted(connect: Connect) -> None:
    """Else the ids of the others would be given to the wrong jobs."""
    connect().execute(LEAVES_OUT)
    jobs = [NewJob("x", {"out": True}), NewJob("y")]
    with pytest.raises(RowcrewError, match="a trigger or a rule"):
        enqueue_many(jobs)
    with connect(autocommit=False) as producer, pytest.raises(RowcrewError, match="a trigger or a rule"):
        enqueue(jobs[0], on=producer)
    assert read_nothing(connect)


def test_an_empty_list_makes_no_job(connect: Connect) -> None:
    assert enqueue_many([], on=connect()) == []


def test_a_list_too_large_for_one_statement_is_refused(connect: Connect) -> None:
    with pytest.raises(InvalidJob, match=r"^jobs: \d+ bytes are more than 64000000: enqueue them in parts"):
        enqueue_many([NewJob("x", {"text": "a" * 900_000})] * 80, on=connect())
    assert read_nothing(connect)


def test_a_complete_job_takes_no_further_options(connect: Connect) -> None:
    with pytest.raises(TypeError, match="give payload and options to it"):
        enqueue(NewJob("x"), {"n": 1}, on=connect())


@pytest.mark.anyio
async def test_the_wrong_kind_of_connection_is_refused_with_the_right_name(connect: Connect) -> None:
    with pytest.raises(TypeError, match="on=str: give a psycopg Connection"):
        enqueue("x", on="postgresql://")
    with pytest.raises(TypeError, match=r"on=Connection: .* or call the form without _async"):
        await enqueue_async("x", on=connect())
    engine = create_async_engine("postgresql+asyncpg://unused")
    with pytest.raises(TypeError, match=r"on=AsyncSession: .* or call the _async form"):
        enqueue("x", on=AsyncSession(engine))


def test_a_status_shows_what_the_row_says(connect: Connect) -> None:
    id = job_in(connect(), "processing")
    connect().execute(
        """UPDATE jobs SET status = 'completed', progress = '{"current": 5}', result = '[1.5, null]'
            WHERE id = %s""",
        [id],
    )
    status = get(id, on=connect())
    assert status is not None
    assert (status.status, status.progress, status.result) == ("completed", {"current": 5}, [1.5, None])
    assert (status.attempts, status.max_attempts, status.error_message) == (1, 3, None)
    assert status.has_ended
    assert status.finished_at is not None
    assert status.finished_at.tzinfo is UTC
    with pytest.raises(AttributeError):
        status.status = "queued"  # type: ignore[misc]


def test_the_client_loads_sqlalchemy_only_for_its_objects() -> None:
    code = "import sys, rowcrew; rowcrew.enqueue; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


PUBLISH = (
    """INSERT INTO job_types (type, queue, priority, "maxAttempts") VALUES ('import', 'imports', -10, 5)"""
)
SAID = ("queue", "priority", "maxAttempts")


def test_what_a_type_says_counts_where_the_job_names_nothing(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("JOB_QUEUE_NAME", "house")
    monkeypatch.setenv("DATABASE_URL", database_url)
    connection = connect()
    connection.execute(PUBLISH)
    crew = Crew()

    @crew.job("import")
    def import_it() -> None: ...

    said = enqueue_many(
        [NewJob("import"), NewJob("import", queue="mine", priority=0, max_attempts=3), NewJob("other")]
    )
    by_handler = enqueue(import_it, {"n": 1})
    assert [read(connection, job.id, *SAID) for job in (*said, by_handler)] == [
        ("imports", -10, 5),
        ("mine", 0, 3),
        ("house", 0, 3),
        ("imports", -10, 5),
    ]


def test_a_function_that_no_crew_has_is_refused_by_its_name() -> None:
    def lonely() -> None: ...

    with pytest.raises(InvalidJob, match=r"^type: .*lonely is no handler: decorate it with @crew\.job"):
        enqueue(lonely)
