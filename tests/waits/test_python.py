"""Waiting as Python programs say it: `after` and `when`, and what handlers' tests can see."""

from __future__ import annotations

from typing import Any

import pytest

from rowcrew import Context, Crew, Dependency, InvalidJob, NewJob, enqueue, enqueue_async, enqueue_many
from rowcrew.model.outcome import Parked
from rowcrew.testing import run_handler
from tests.waits.conftest import Family


def test_after_takes_ids_and_answers_and_when_the_policy(
    family: Family, database_url: str, connect: Any
) -> None:
    connection = connect()
    first = enqueue("quick", on=connection)
    hasty = {"type": "quick", "after": [first.id, first], "when": "failFast"}
    second, third = enqueue_many([{"type": "quick", "after": [first]}, hasty], on=connection)
    row = family.row(second.id)
    assert (row["waitsFor"], row["waitPolicy"], row["watches"]) == ([first.id], "completed", 0)
    row = family.row(third.id)
    assert (row["waitsFor"], row["waitPolicy"]) == ([first.id], "failFast")
    free = enqueue("quick", after=[], on=connection)
    assert not family.waits(free.id)


@pytest.mark.anyio
async def test_the_async_form_takes_the_same(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", family.address)
    first = await enqueue_async("quick")
    second = await enqueue_async("quick", after=[first], when="ended")
    assert family.row(second.id)["waitPolicy"] == "ended"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"after": "12"}, "after: '12' must be a list of ids"),
        ({"after": 12}, "after: 12 must be a list of ids"),
        ({"after": [None]}, "after: None must be a whole number"),
        ({"after": [True]}, "after: True must be a whole number"),
        ({"after": [0]}, "after: 0 must be a whole number"),
        ({"after": range(1, 100_002)}, "after: 100,001 jobs are more than 100,000"),
        ({"after": [1], "when": "soon"}, "when: 'soon' must be one of completed, failFast, ended"),
        ({"when": "ended"}, "after: must say what to wait for"),
    ],
)
def test_what_nobody_can_wait_for_is_refused_by_field(options: Any, complaint: str) -> None:
    with pytest.raises(InvalidJob) as refused:
        NewJob("quick", **options)
    assert complaint in str(refused.value)


crew = Crew()


@crew.job("sums")
async def sums(context: Context, parts: list[int]) -> int:
    known = await context.dependencies
    if not known:
        context.wait_for([NewJob("part", {"number": number}) for number in parts])
    return sum(each.result for each in known)


def test_a_test_sees_what_a_handler_waits_for_and_gives_it_dependencies() -> None:
    run = run_handler(crew, "sums", {"parts": [1, 2]})
    assert isinstance(run.outcome, Parked)
    assert [child.payload for child in run.waits_for] == [{"number": 1}, {"number": 2}]
    assert run.waits_for[0].parent_id == 1
    known = [Dependency(id=2, type="part", status="completed", result=number) for number in (1, 2)]
    assert run_handler(crew, "sums", {"parts": [1, 2]}, dependencies=known).result == 3


def test_a_run_that_has_nothing_to_wait_for_goes_on() -> None:
    assert run_handler(crew, "sums", {"parts": []}).result == 0
