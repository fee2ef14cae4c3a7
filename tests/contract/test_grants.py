"""What a producer's role needs: as little as it should."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from rowcrew import enqueue
from tests.conftest import Connect
from tests.contract.hands import insert, job_in, read

As = Callable[..., psycopg.Connection[tuple[object, ...]]]


@pytest.fixture
def granted(connect: Connect) -> Iterator[As]:
    """A connection as a role that has these privileges on `jobs` and nothing else."""
    owner = connect()

    def granted(*privileges: str) -> psycopg.Connection[tuple[object, ...]]:
        owner.execute("CREATE ROLE producer LOGIN")
        for privilege in privileges:
            owner.execute(f"GRANT {privilege} ON jobs TO producer")
        connection = connect()
        connection.execute("SET ROLE producer")
        return connection

    yield granted
    owner.execute("DROP OWNED BY producer")
    owner.execute("DROP ROLE producer")


def test_insert_alone_is_enough_to_enqueue(granted: As, connect: Connect) -> None:
    granted("INSERT (type, payload)").execute("""INSERT INTO jobs (type, payload) VALUES ('x', '{"a": 1}')""")
    assert read(connect(), 1, "status", "payload") == ("queued", {"a": 1})


def test_a_producer_may_not_read_what_it_may_only_insert(granted: As) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        granted("INSERT").execute("SELECT * FROM jobs")


def test_the_client_needs_insert_and_select_and_what_types_say(granted: As, connect: Connect) -> None:
    connection = granted("INSERT", "SELECT")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="job_types"):
        enqueue("x", on=connection)
    connection.rollback()
    connect().execute("GRANT SELECT ON job_types TO PUBLIC")
    first = enqueue("x", {"a": 1}, unique_key="k", on=connection)
    assert enqueue("x", {"a": 1}, unique_key="k", on=connection) == (first.id, False)


def test_four_columns_are_enough_to_control_jobs(granted: As, connect: Connect) -> None:
    running, waiting = job_in(connect(), "processing"), insert(connect())
    controller = granted('UPDATE (status, "runAt", priority, "errorMessage")', "SELECT (id)")
    controller.execute("UPDATE jobs SET status = 'failed', \"errorMessage\" = 'no' WHERE id = %s", [running])
    controller.execute("UPDATE jobs SET status = 'queued' WHERE id = %s", [running])
    controller.execute('UPDATE jobs SET priority = 20, "runAt" = now() WHERE id = %s', [waiting])
    assert read(connect(), running, "status", "attempts") == ("queued", 0)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        controller.execute("UPDATE jobs SET attempts = 0 WHERE id = %s", [waiting])
