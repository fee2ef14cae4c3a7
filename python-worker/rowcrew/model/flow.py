"""A workflow as a graph: in which layer each job stands, what can be drawn as one, and what held the end up.

In: the jobs of a family. Out: layers, crowds and the critical path. Pure; called by the pages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

from rowcrew.model.status import Status
from rowcrew.model.tree import Edges

_NOT_ENDED: Final = datetime.max.replace(tzinfo=UTC)


class Member(NamedTuple):
    """A job of a workflow.

    Attributes:
        before: the older jobs that it came of or waits for.
        ended_at: None while it has not ended.
        held_by: those of them that it waits for, where there are any: a parent runs beside its children.
    """

    id: int
    type: str
    status: Status
    before: tuple[int, ...]
    ended_at: datetime | None
    held_by: tuple[int, ...]


class Crowd(NamedTuple):
    """Jobs that are drawn as one; `layer` counts from the left."""

    members: list[Member]
    layer: int


class Flow(NamedTuple):
    """What is drawn: crowds, most of them of one job, and which leads to which, as places in the list."""

    crowds: list[Crowd]
    arrows: list[tuple[int, int]]
    is_folded: bool


def member(
    edges: Edges, *, type: str, status: Status, ended_at: datetime | None, known: Container[int]
) -> Member:
    """A job with what leads to it, as far as that is known too."""
    before = tuple(dict.fromkeys(id for id in edges.upward() if id in known and id != edges.id))
    waits_for = set(edges.waits_for)
    waited = tuple(id for id in before if id in waits_for)
    return Member(edges.id, type, status, before, ended_at, waited or before)


def flow(members: Sequence[Member], *, most: int) -> Flow | None:
    """Each job for itself, else crowds of one type in one layer, else of one type; None if still too many."""
    layers = _layers(members)
    ways: list[Callable[[Member], Hashable]] = [
        lambda one: one.id,
        lambda one: (layers[one.id], one.type),
        lambda one: one.type,
    ]
    for place, way in enumerate(ways):
        if len({way(one) for one in members}) <= most:
            return _folded(members, layers, way, is_folded=place > 0)
    return None


def critical_path(members: Sequence[Member]) -> list[int]:
    """From the end back: the last to end, the one of those that held it up that ended last, to the first."""
    if not members:
        return []
    known = {one.id: one for one in members}
    led_to = {id for one in members for id in one.before}
    last = max((one for one in members if one.id not in led_to), key=_end)
    path = [last.id]
    while last.held_by:
        last = max((known[id] for id in last.held_by), key=_end)
        path.append(last.id)
    return path[::-1]


def _end(one: Member) -> tuple[datetime, int]:
    return one.ended_at or _NOT_ENDED, one.id


def _layers(members: Sequence[Member]) -> dict[int, int]:
    """A job stands one to the right of the last that leads to it; what leads to it is older."""
    layers: dict[int, int] = {}
    for one in sorted(members):
        layers[one.id] = max((layers[id] + 1 for id in one.before if id in layers), default=0)
    return layers


def _folded(
    members: Sequence[Member],
    layers: Mapping[int, int],
    way: Callable[[Member], Hashable],
    *,
    is_folded: bool,
) -> Flow:
    groups: defaultdict[Hashable, list[Member]] = defaultdict(list)
    for one in sorted(members):
        groups[way(one)].append(one)
    crowds = [Crowd(found, min(layers[one.id] for one in found)) for found in groups.values()]
    places = {one.id: place for place, crowd in enumerate(crowds) for one in crowd.members}
    arrows = dict.fromkeys(
        (places[id], places[one.id]) for one in sorted(members) for id in one.before if id in places
    )
    leading = [(a, b) for a, b in arrows if crowds[a].layer < crowds[b].layer]
    critical = [] if is_folded else [places[id] for id in critical_path(members)]
    return Flow(crowds, _needed(leading, frozenset(pairwise(critical))), is_folded)


def _needed(arrows: Sequence[tuple[int, int]], kept: frozenset[tuple[int, int]]) -> list[tuple[int, int]]:
    """Without those that say what a longer way says too, but with those that are kept."""
    targets: defaultdict[int, set[int]] = defaultdict(set)
    for source, target in arrows:
        targets[source].add(target)

    @cache
    def reached(place: int) -> set[int]:
        return targets[place].union(*(reached(one) for one in targets[place]))

    return [
        (source, target)
        for source, target in arrows
        if (source, target) in kept
        or not any(target in reached(other) for other in targets[source] - {target})
    ]
