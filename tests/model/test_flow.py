"""A workflow as a graph: layers from left to right, crowds where there are many, and what held the end up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rowcrew.model.flow import Member, critical_path, flow, member
from rowcrew.model.tree import Edges

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def job(
    id: int, *before: int, type: str = "report", ended: int | None = None, waited: tuple[int, ...] = ()
) -> Member:
    ended_at = None if ended is None else NOON + timedelta(seconds=ended)
    return Member(
        id, type, "queued" if ended is None else "completed", (*before, *waited), ended_at, waited or before
    )


def test_a_job_stands_right_of_all_that_lead_to_it() -> None:
    drawn = flow([job(1), job(2, 1), job(3, 1), job(4, 2, 3), job(5)], most=40)
    assert drawn is not None
    assert [crowd.layer for crowd in drawn.crowds] == [0, 1, 1, 2, 0]
    assert drawn.arrows == [(0, 1), (0, 2), (1, 3), (2, 3)]
    assert not drawn.is_folded


def test_an_arrow_that_a_longer_way_says_too_is_left_out() -> None:
    drawn = flow([job(1), job(2, 1), job(3, 1, 2)], most=40)
    assert drawn is not None
    assert drawn.arrows == [(0, 1), (1, 2)]


def test_more_jobs_than_are_drawn_are_folded_by_type_in_their_layer() -> None:
    """PrefectHQ/prefect#8934, azkaban/azkaban#2177"""
    files = [job(id, 1, type="file") for id in range(2, 4_002)]
    drawn = flow([job(1), *files, job(5_000, *range(2, 4_002), type="mail")], most=40)
    assert drawn is not None
    assert [len(crowd.members) for crowd in drawn.crowds] == [1, 4_000, 1]
    assert drawn.arrows == [(0, 1), (1, 2)]
    assert drawn.is_folded


def test_a_long_chain_of_one_type_is_one_crowd_that_leads_not_to_itself() -> None:
    chain = [job(1, type="batch"), *(job(id, id - 1, type="file") for id in range(2, 500))]
    drawn = flow(chain, most=40)
    assert drawn is not None
    assert [len(crowd.members) for crowd in drawn.crowds] == [1, 498]
    assert drawn.arrows == [(0, 1)]


def test_what_is_of_too_many_types_is_not_drawn() -> None:
    assert flow([job(id, type=f"type-{id}") for id in range(1, 50)], most=40) is None


def test_many_ways_between_two_jobs_cost_no_time() -> None:
    ladder = [job(1)]
    for id in range(2, 40, 2):
        ladder += [job(id, *(one for one in (id - 1, id - 2) if one > 0)), job(id + 1, id, id - 1)]
    drawn = flow(ladder, most=40)
    assert drawn is not None
    assert len(drawn.crowds) == 39


def test_the_critical_path_goes_back_from_the_last_end_by_what_ended_last() -> None:
    jobs = [
        job(1, ended=5),
        job(2, ended=9),
        job(3, 1, 2, ended=20),
        job(4, 2, ended=30),
        job(5, 3, 4, ended=40),
    ]
    assert critical_path(jobs) == [2, 4, 5]


def test_what_has_not_ended_holds_the_end_up() -> None:
    assert critical_path([job(1, ended=5), job(2), job(3, 1, 2)]) == [2, 3]
    assert critical_path([]) == []


def test_a_job_is_held_up_by_what_it_waits_for_and_not_by_the_parent_that_runs_beside_it() -> None:
    jobs = [job(1, ended=90), job(2, 1, ended=10), job(3, 1, waited=(2,), ended=15)]
    assert critical_path(jobs) == [1, 2, 3]
    edges = Edges(3, 1, [2, 8])
    held_by = member(edges, type="x", status="queued", ended_at=None, known=[1, 2, 3]).held_by
    assert held_by == (2,)
    alone = Edges(3, 1, [8])  # of the family of another
    assert member(alone, type="x", status="queued", ended_at=None, known=[1, 3]).held_by == (1,)


def test_the_critical_path_is_drawn_also_where_a_longer_way_leads_there() -> None:
    """The third was cancelled while it waited for the second."""
    jobs = [
        job(1, ended=1),
        job(2, 1, ended=10),
        job(3, waited=(2,), ended=5),
        job(4, waited=(2, 3), ended=20),
    ]
    assert critical_path(jobs) == [1, 2, 4]
    drawn = flow(jobs, most=40)
    assert drawn is not None
    assert drawn.arrows == [(0, 1), (1, 2), (1, 3), (2, 3)]


def test_a_job_that_waits_for_its_own_children_is_led_to_by_none_of_them() -> None:
    edges = Edges(1, None, [2, 3])
    assert member(edges, type="batch", status="queued", ended_at=None, known=[1, 2, 3]).before == ()
