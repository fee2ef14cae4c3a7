"""The jobs that came of one: its children, what waits for it, and theirs.

In: edges, from jobs to their parents and to what they wait for. Out: each job at one place, as deep as it is
below the first. Pure; called by `rowcrew.admin`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Edges(NamedTuple):
    """What leads from a job to older ones."""

    id: int
    parent_id: int | None
    waits_for: list[int]

    def upward(self) -> Iterator[int]:
        """The older jobs that it came of. One that waits for its own children came not of them."""
        if self.parent_id is not None:
            yield self.parent_id
        yield from (id for id in self.waits_for if id < self.id)


class Place(NamedTuple):
    """Where a job stands in a tree; `depth` is 0 for the first."""

    id: int
    depth: int
    is_last: bool


def descendants(root: int, edges: Iterable[Edges]) -> set[int]:
    """The job itself and all that came of it, by way of parents or of waiting."""
    found = {root}
    for one in sorted(edges):  # what came of a job is younger: once through is enough
        if any(id in found for id in one.upward()):
            found.add(one.id)
    return found


def places(root: int, edges: Iterable[Edges]) -> list[Place]:
    """All descendants, each below its parent, else below the latest job it waits for; siblings by id."""
    known = sorted(edges)
    inside = descendants(root, known)
    below: defaultdict[int, list[int]] = defaultdict(list)
    for one in known:
        if one.id in inside and one.id != root:
            below[_home(one, inside)].append(one.id)
    found: list[Place] = []
    open_places = [Place(root, 0, True)]
    while open_places:
        place = open_places.pop()
        found.append(place)
        inner = [Place(id, place.depth + 1, False) for id in below[place.id]]
        open_places += [place._replace(is_last=index == 0) for index, place in enumerate(reversed(inner))]
    return found


def branches(tree: list[Place]) -> list[str]:
    """The lines of a drawn tree that lead to each job."""
    goes_on: list[bool] = []
    drawn = []
    for place in tree:
        del goes_on[max(place.depth - 1, 0) :]
        trunk = "".join("│ " if is_open else "  " for is_open in goes_on)
        drawn.append("" if place.depth == 0 else trunk + ("└ " if place.is_last else "├ "))
        if place.depth:
            goes_on.append(not place.is_last)
    return drawn


def _home(one: Edges, inside: set[int]) -> int:
    if one.parent_id in inside and one.parent_id is not None:
        return one.parent_id
    return max(id for id in one.upward() if id in inside)
