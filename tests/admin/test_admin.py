"""The operator's room, asked as any face asks it: over one link, with answers as data."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest

from rowcrew.admin import jobs, queues
from rowcrew.admin.link import operators_link, problem
from rowcrew.model.errors import RowcrewError
from rowcrew.model.remedy import Remedy
from rowcrew.table import operator
from rowcrew.table.link import Link
from tests.conftest import Connect
from tests.contract.hands import insert, job_in, register_worker

pytestmark = pytest.mark.anyio


@pytest.fixture
async def link(database_url: str) -> AsyncIterator[Link]:
    link = operators_link(database_url)
    yield link
    await link.close()


async def test_a_requeue_in_whose_way_a_producer_comes_is_tried_again(
    link: Link, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = job_in(connect(), "failed", uniqueKey="k")
    requeue, refused = operator.requeue_job, iter([True, True, False])

    async def disturbed(link: Link, ids: list[int]) -> list[int]:
        if next(refused):
            raise psycopg.errors.UniqueViolation
        return await requeue(link, ids)

    monkeypatch.setattr(operator, "requeue_job", disturbed)
    assert await jobs.change_jobs(link, "requeue", [id]) == [jobs.Answer(id, "queued", None, True)]


async def test_a_requeue_that_producers_keep_disturbing_ends_with_what_to_do(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def disturbed(link: Link, ids: list[int]) -> list[int]:
        raise psycopg.errors.UniqueViolation

    monkeypatch.setattr(operator, "requeue_job", disturbed)
    with pytest.raises(RowcrewError, match=r"keep retaking these jobs' unique keys: requeue .* one by one"):
        await jobs.change_jobs(link, "requeue", [1])


async def test_remedies_are_data_that_a_button_can_be_made_of(link: Link, connect: Connect) -> None:
    id = job_in(connect(), "completed")
    explained = await jobs.why(link, id)
    assert explained is not None
    [reason] = explained.reasons
    assert reason.remedies == (Remedy("show-result", job=id), Remedy("requeue", job=id))


async def test_a_crowd_comes_with_what_workers_offer_it(link: Link, connect: Connect) -> None:
    connection = connect()
    register_worker(connection, queues=["default"], types=["test"], slots=3)
    insert(connection)
    insert(connection, queue="elsewhere")
    crowds = await queues.waiting_crowds(link)
    assert {(served.crowd.queue, served.service.slots) for served in crowds} == {
        ("default", 3),
        ("elsewhere", 0),
    }


async def test_an_operator_may_read_whole_tables_as_a_worker_may_not(link: Link, database_url: str) -> None:
    worker = Link(database_url, purpose="test")
    shown = [await each.fetch("SHOW enable_seqscan", {}) for each in (link, worker)]
    await worker.close()
    assert shown == [[("on",)], [("off",)]]


async def test_a_problem_is_told_without_the_password() -> None:
    address = "postgresql://boss:hunter2@127.0.0.1:1/jobs"
    with pytest.raises(psycopg.OperationalError) as error:
        await jobs.list_jobs(operators_link(address))
    kind, what = problem(error.value, address)
    assert (kind, "boss@127.0.0.1" in what, "hunter2" in what) == ("unreachable", True, False)
