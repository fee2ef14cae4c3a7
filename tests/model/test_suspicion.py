"""Who is blamed when runners die: explored over all orders in which two culprits can strike.

The world is the dispatcher's: at most two groups of suspects run at a time, a group is filled from the line
of those that wait, and a culprit strikes at any moment while it runs. Innocents either run for ever or end at
any moment; both are explored, because a long job stays a suspect for as long as it runs. A third kind of job
leaves something behind when it ends, which may kill the runner at any moment later.
"""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import Final, NamedTuple

import pytest

from rowcrew.model.suspicion import (
    ALONE_SECONDS,
    LONGEST_ALONE_SECONDS,
    MOST_GROUPS,
    alone_seconds,
    group_size,
    is_blamed,
    needs_worker_alone,
)

MAX_ATTEMPTS: Final = 2


class Member(NamedTuple):
    """One job: whether it kills its runner, now or when it has ended; deaths; attempts that counted."""

    kills: bool
    crashes: int = 0
    attempts: int = 0
    kills_later: bool = False


class Group(NamedTuple):
    """The suspects in one runner, whether others have ended there, and whether those left a death behind."""

    members: tuple[Member, ...]
    was_used: bool = False
    will_die: bool = False

    @property
    def may_die(self) -> bool:
        return self.will_die or any(member.kills for member in self.members)


class World(NamedTuple):
    """The jobs that wait, in line, and the groups that run."""

    waiting: tuple[Member, ...]
    groups: tuple[Group, ...]


class Blamed(AssertionError):
    """An innocent job lost an attempt."""


def filled(world: World, slots: int) -> World:
    """Start groups as the dispatcher does: the first that waits says how many may come with it."""
    waiting, groups = list(world.waiting), list(world.groups)
    while waiting and len(groups) < MOST_GROUPS:
        size = group_size(slots, waiting[0].crashes)
        fit = [member for member in waiting if group_size(slots, member.crashes) >= size][:size]
        for member in fit:
            waiting.remove(member)
        groups.append(Group(tuple(sorted(fit))))
    return World(tuple(waiting), tuple(sorted(groups)))


def after_death(world: World, group: Group) -> World:
    """The runner of a group dies: one job is blamed, or all become more suspect and go to the end."""
    groups = list(world.groups)
    groups.remove(group)
    if is_blamed(len(group.members), was_used=group.was_used):
        [member] = group.members
        if not member.kills:
            raise Blamed(member)
        counted = member._replace(attempts=member.attempts + 1)
        back: tuple[Member, ...] = () if counted.attempts == MAX_ATTEMPTS else (counted,)
    else:
        back = tuple(member._replace(crashes=member.crashes + 1) for member in group.members)
    return World(world.waiting + back, tuple(groups))


def after_end(world: World, group: Group, ended: tuple[Member, ...]) -> World:
    """These of a group end; the others are alone with what they do next, and with what those left behind."""
    groups = list(world.groups)
    groups.remove(group)
    left = list(group.members)
    for member in ended:
        left.remove(member)
    will_die = group.will_die or any(member.kills_later for member in ended)
    rest = [Group(tuple(left), was_used=True, will_die=will_die)] if left else []
    return World(world.waiting, tuple(sorted([*groups, *rest])))


def ends(group: Group) -> list[tuple[Member, ...]]:
    """Who may end together: all that do not kill at once, or each of them."""
    able = tuple(member for member in group.members if not member.kills)
    return [able, *((member,) for member in sorted(set(able)) if len(able) > 1)] if able else []


def most_deaths(slots: int, jobs: tuple[Member, ...]) -> int:
    """The largest number of runners that die until every culprit has failed, over all orders of events."""

    @cache
    def worst(world: World) -> int:
        world = filled(world, slots)
        deaths = [1 + worst(after_death(world, group)) for group in set(world.groups) if group.may_die]
        peace = [
            worst(after_end(world, group, ended)) for group in set(world.groups) for ended in ends(group)
        ]
        return max(deaths + peace, default=0)

    first = tuple(member._replace(crashes=1) for member in jobs)  # they were in the shared runner that died
    return 1 + worst(World(first, ()))


def mixed(n: int, *culprits: int, later: int | None = None) -> tuple[Member, ...]:
    return tuple(Member(place in culprits, kills_later=place == later) for place in range(n))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 8])
def test_two_culprits_are_found_in_every_order_and_no_innocent_loses_an_attempt(n: int) -> None:
    for places in itertools.combinations_with_replacement(range(n), 2):
        most_deaths(max(n, 2), mixed(n, *places))  # raises Blamed


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_what_an_ended_job_left_behind_costs_no_other_job_an_attempt(n: int) -> None:
    for later in range(n):
        for culprit in (None, *range(n)):
            culprits = () if culprit in (None, later) else (culprit,)
            most_deaths(max(n, 2), mixed(n, *culprits, later=later))  # raises Blamed


@pytest.mark.parametrize("n", [2, 4, 8, 16, 32])
def test_one_culprit_among_n_costs_a_death_for_each_halving_and_one_for_each_attempt(n: int) -> None:
    worst = max(most_deaths(n, mixed(n, place)) for place in range(n))
    assert worst <= 1 + math.ceil(math.log2(n)) + MAX_ATTEMPTS


@pytest.mark.parametrize("n", [4, 8])
def test_k_culprits_cost_at_most_k_times_as_many_deaths(n: int) -> None:
    for k in (1, 2, 3):
        for places in itertools.combinations(range(n), k):
            assert most_deaths(n, mixed(n, *places)) <= 1 + k * (math.ceil(math.log2(n)) + MAX_ATTEMPTS)


@pytest.mark.parametrize("slots", [1, 2, 3, 4, 50, 256])
def test_groups_shrink_to_one(slots: int) -> None:
    sizes = [group_size(slots, crashes) for crashes in range(12)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == slots
    assert sizes[-1] == 1


@pytest.mark.parametrize("slots", [1, 2, 3, 4, 50, 256])
def test_a_whole_worker_is_for_those_that_a_group_of_one_has_not_told_about(slots: int) -> None:
    first = next(crashes for crashes in range(20) if needs_worker_alone(slots, crashes))
    assert not needs_worker_alone(slots, 0)
    assert group_size(slots, first) == 1
    assert slots == 1 or group_size(slots, first - 1) == 1
    assert first <= 1 + math.log2(slots)
    assert all(needs_worker_alone(slots, crashes) for crashes in range(first, 1_001))
    assert alone_seconds(slots, first) == ALONE_SECONDS
    assert alone_seconds(slots, first + 2) == 4 * ALONE_SECONDS
    assert alone_seconds(slots, 1_000) == LONGEST_ALONE_SECONDS
