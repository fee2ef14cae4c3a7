"""The jobs that came of one, drawn, cancelled and run again; and circles that no job leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rig.programs import run
from rowcrew.admin.database_checks import _circle_checks
from rowcrew.admin.tree import tree
from rowcrew.model.tree import Edges, branches, descendants, places
from tests.control.site import Site
from tests.waits.conftest import Family

pytestmark = pytest.mark.anyio


def cli(family: Family, *arguments: str, **options: Any) -> Any:
    return run("jobs", *arguments, DATABASE_URL=family.address, **options)


def edges(*given: tuple[int, int | None, list[int]]) -> list[Edges]:
    return [Edges(*one) for one in given]


def test_a_job_stands_below_its_parent_else_below_the_latest_it_waits_for() -> None:
    """1 has the children 2 and 3, and waits for them; 4 waits for both; 5 came of 4; 6 of nothing here."""
    known = edges((1, None, [2, 3]), (2, 1, []), (3, 1, []), (4, None, [2, 3]), (5, 4, []), (6, None, [0]))
    assert [(place.id, place.depth) for place in places(1, known)] == [(1, 0), (2, 1), (3, 1), (4, 2), (5, 3)]
    assert branches(places(1, known)) == ["", "├ ", "└ ", "  └ ", "    └ "]
    assert descendants(3, known) == {3, 4, 5}


def test_a_trunk_goes_on_beside_what_stands_deeper() -> None:
    known = edges((2, 1, []), (3, 2, []), (4, 1, []), (5, 4, []), (6, 4, []))
    assert branches(places(1, known)) == ["", "├ ", "│ └ ", "└ ", "  ├ ", "  └ "]


def test_the_chain_of_a_job_is_shown_from_any_of_its_links(family: Family) -> None:
    first = family.job("ai_processing")
    second = family.enqueue("supabase_upload", parentId=first)
    third = family.enqueue("investor_processing", parentId=second, waitsFor=[second])
    family.end(first)
    for id in (first, second, third):
        answer = cli(family, "tree", str(id), COLUMNS="80")
        lines = answer.stdout.splitlines()
        assert [line.split()[0] for line in lines] == ["id", str(first), str(second), str(third), "waits"]
        drawn = [line.partition(str(id))[2][2:] for line, id in zip(lines[2:], (second, third), strict=False)]
        assert drawn[0].startswith("└ supabase_upload")
        assert drawn[1].startswith("  └ investor_processing")
    (*_, last) = [json.loads(line) for line in cli(family, "tree", str(first), "--json").stdout.splitlines()]
    assert (last["id"], last["depth"], last["waitsFor"], last["waits"]) == (third, 2, [second], True)
    assert cli(family, "tree", "987654321").returncode == 1


def test_a_chain_made_by_waiting_alone_is_shown_from_any_of_its_links(family: Family) -> None:
    load, other = family.job("load"), family.job("other")
    report = family.enqueue("report", waitsFor=[load, other])
    mail = family.enqueue("mail", waitsFor=[report])
    for id in (other, report, mail):
        lines = cli(family, "tree", str(id), COLUMNS="80").stdout.splitlines()
        first = [line.split()[0] for line in lines if "waits for" not in line]
        assert first == ["id", str(other), str(report), str(mail)]


@pytest.fixture
def scattered(family: Family) -> list[int]:
    """A job, its child, and far behind them a child of that one, and one more of the first."""
    first = family.job("first")
    second = family.enqueue("second", parentId=first)
    family.rows("SELECT setval('jobs_id_seq', %s)", second + 1_000)
    third = family.enqueue("third", parentId=second)
    return [first, second, third, family.enqueue("fourth", parentId=first)]


@pytest.mark.parametrize(
    ("asked", "reach", "shown", "is_whole"),
    [
        (0, None, [0, 1, 2, 3], True),
        (0, 999, [0, 1], False),
        (0, 1_001, [0, 1, 2, 3], True),
        (2, 10, [0, 1, 2, 3], False),  # its ancestors are known, and their neighbours; what is between is not
        (2, 1, [0, 1, 2, 3], False),
        (3, 1, [0, 1, 3], False),
        (1, 1_000, [0, 1], False),
    ],
)
async def test_a_look_that_may_not_read_all_jobs_finds_the_near_ones_and_says_what_it_left(
    site: Site, scattered: list[int], asked: int, reach: int | None, shown: list[int], is_whole: bool
) -> None:
    found = await tree(site.links.chores, scattered[asked], limit=100, reach=reach)
    assert found is not None
    assert sorted(one.job.id for one in found.members) == [scattered[index] for index in shown]
    assert found.is_whole == is_whole


async def test_a_look_for_near_ones_ends_when_there_are_enough(site: Site, family: Family) -> None:
    parent = family.job("parent")
    children = [family.enqueue("child", parentId=parent) for _ in range(5)]
    found = await tree(site.links.chores, parent, limit=3, reach=2)
    assert found is not None
    assert [one.job.id for one in found.members] == [parent, *children[:2]]


def test_a_tree_of_many_fits_a_terminal_of_80_columns_and_says_that_there_are_more(family: Family) -> None:
    parent = family.job("a_type_of_quite_some_length_" * 4)
    ids = [family.enqueue("part", parentId=parent) for _ in range(5)]
    family.end(ids[0], "failed")
    family.rows("""UPDATE jobs SET "errorMessage" = %s WHERE id = %s""", "why " * 100, ids[0])
    answer = cli(family, "tree", str(parent), "--limit", "3", COLUMNS="80")
    assert max(map(len, answer.stdout.splitlines())) <= 80
    assert "more than 3" in answer.stderr


def test_a_tree_is_cancelled_with_children_and_waiters_and_nothing_else(family: Family) -> None:
    parent, other = family.job(), family.job()
    child = family.enqueue("part", parentId=parent)
    waiter = family.waiter([child, other], "ended")
    family.end(parent)
    answer = cli(family, "cancel", "--tree", str(parent))
    assert answer.returncode == 0
    assert answer.stdout.splitlines() == [f"Job {id}: cancelled" for id in (child, waiter)]
    assert [family.row(id)["status"] for id in (parent, other)] == ["completed", "queued"]
    assert "nothing to cancel" in cli(family, "cancel", "--tree", str(parent)).stderr
    assert cli(family, "cancel", "--tree", "--type", "part").returncode == 2
    assert cli(family, "delete", "--tree", str(parent)).returncode == 2


async def test_the_failed_part_of_a_tree_runs_again_and_then_what_waited_for_it(
    site: Site, family: Family
) -> None:
    parent = family.job()
    good, bad = (family.enqueue("part", parentId=parent) for _ in range(2))
    waiter = family.waiter([good, bad])
    last = family.waiter([waiter])
    await site.organs.examine.once()
    for id, status in ((parent, "completed"), (good, "completed"), (bad, "failed")):
        family.end(id, status)
    await site.organs.examine.once()
    assert [family.row(id)["status"] for id in (waiter, last)] == ["failed", "failed"]
    answer = cli(family, "requeue", "--tree", "--failed", str(parent))
    assert answer.stdout.splitlines() == [f"Job {id}: queued again" for id in (bad, waiter, last)]
    await site.organs.examine.once()
    assert family.waits(waiter)
    family.end(bad)
    await site.organs.examine.once()
    assert not family.waits(waiter)
    assert family.waits(last)
    assert cli(family, "requeue", "--failed", str(parent)).returncode == 2


async def test_the_doctor_finds_jobs_that_wait_for_each_other(site: Site, family: Family) -> None:
    first = family.job()
    second = family.waiter([first])
    third = family.waiter([second])
    beside = family.waiter([third])
    assert await _circle_checks(site.links.chores) == []
    family.rows('UPDATE jobs SET "waitsFor" = %s WHERE id = %s', [third], first)
    await site.organs.examine.once()
    (found,) = await _circle_checks(site.links.chores)
    assert found.what == f"jobs {first}, {third}, {second}, {first} wait each for the next"
    family.rows('UPDATE jobs SET "runAt" = now() WHERE id = %s', first)
    assert await _circle_checks(site.links.chores) == []
    assert family.waits(beside)


async def test_why_names_the_job_that_is_waited_for(site: Site, family: Family) -> None:
    jobs = [family.job() for _ in range(8)]
    waiter = family.waiter(jobs)
    family.end(jobs[0])
    await site.organs.examine.once()
    answer = run("why", str(waiter), DATABASE_URL=family.address)
    assert f"waits for job {jobs[-1]} (and 6 more); 1 other ended before" in answer.stdout
    assert f"rowcrew why {jobs[-1]}" in answer.stdout
