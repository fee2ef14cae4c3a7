"""A batch is a parent with children: it waits for them, shows how many have ended, and others wait for it."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from rig.logins import As
from rowcrew import InvalidJob, NewJob, RowcrewError, batch, batch_async, enqueue, get
from tests.control.site import Site
from tests.waits.conftest import Family

pytestmark = pytest.mark.anyio

PARENT = NewJob("quick", {"of": "a batch"})


@pytest.fixture
def connection(connect: Any) -> psycopg.Connection[Any]:
    connection: psycopg.Connection[Any] = connect(autocommit=False)
    return connection


async def test_a_batch_runs_its_parent_after_the_last_child_and_then_who_waits_for_it(
    site: Site, family: Family, connection: psycopg.Connection[Any]
) -> None:
    made = batch(PARENT, [NewJob("quick"), {"type": "quick"}], on=connection)
    callback = enqueue("quick", after=[made], on=connection)
    connection.commit()
    assert [family.row(child.id)["parentId"] for child in made.children] == [made.id] * 2
    await site.organs.examine.once()
    assert await site.reserve() == 2
    family.end(made.children[1].id, "failed")
    await site.organs.examine.once()
    status = get(made.id, on=connection)
    assert status is not None
    assert (status.status, status.progress) == ("queued", {"current": 1, "total": 2})
    (row,) = family.rows("SELECT progress FROM job_status WHERE id = %s", made.id)
    assert row["progress"] == {"current": 1, "total": 2}
    family.end(made.children[0].id)
    await site.organs.examine.once()
    assert await site.reserve() == 1
    family.end(made.id)
    await site.organs.examine.once()
    assert not family.waits(callback.id)


async def test_a_batch_may_fail_with_its_first_child(
    site: Site, family: Family, connection: psycopg.Connection[Any]
) -> None:
    other = family.job()
    made = batch(NewJob("quick", after=[other], when="failFast"), [{"type": "quick"}] * 3, on=connection)
    connection.commit()
    await site.organs.examine.once()
    assert family.row(made.id)["waitsFor"] == [other, *(child.id for child in made.children)]
    family.end(made.children[0].id, "failed")
    await site.organs.examine.once()
    assert family.row(made.id)["status"] == "failed"


async def test_a_batch_on_its_own_connection_is_made_in_one_commit(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", family.address)
    assert family.waits(batch(PARENT, [{"type": "quick"}]).id)
    assert family.waits((await batch_async(PARENT, [{"type": "quick"}])).id)
    assert not family.waits(batch(PARENT, []).id)
    with pytest.raises(InvalidJob, match=r"jobs\[1\]\.type"):
        batch(PARENT, [{"type": "quick"}, {"type": ""}])
    assert family.count("queued") == 5


def test_a_connection_in_autocommit_must_have_begun_a_transaction(family: Family, connect: Any) -> None:
    connection = connect()
    with pytest.raises(RowcrewError, match="needs a transaction"):
        batch(PARENT, [{"type": "quick"}], on=connection)
    with connection.transaction():
        made = batch(PARENT, [{"type": "quick"}], on=connection)
    assert family.waits(made.id)


def test_a_batch_whose_unique_key_is_live_gets_no_second_set_of_children(
    family: Family, connection: psycopg.Connection[Any]
) -> None:
    keyed = NewJob("quick", unique_key="only")
    first = batch(keyed, [{"type": "quick"}], on=connection)
    second = batch(keyed, [{"type": "quick"}], on=connection)
    assert (second.id, second.created, second.children) == (first.id, False, [])


def test_a_producers_role_may_make_batches_and_waiters(as_role: As, family: Family) -> None:
    producer = as_role("producer")
    with producer.transaction():
        made = batch(PARENT, [{"type": "quick"}], on=producer)
        waiter = enqueue("quick", after=[made], on=producer)
    assert family.waits(made.id)
    assert family.waits(waiter.id)
