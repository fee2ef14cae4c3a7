"""The shapes that come with Rowcrew: what the migrations of the queue and of each family make, part by part.

In: the files `shape.json`, written by `rowcrew migrate --shape` from databases just migrated, and the
migrations that a database has. Out: the parts that must be there. Called by the doctor and by `repair`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

import msgspec

from rowcrew import family
from rowcrew.model.shape import Part
from rowcrew.table.rows import Meddler

FILE: Final = "shape.json"


class Shape(msgspec.Struct, frozen=True):
    """What one branch of migrations makes; `revision` is the id of its newest one."""

    revision: str
    parts: list[Part]


def shapes() -> Iterator[Shape]:
    """Of the queue, then of every installed family that has one."""
    yield _read(resources.files("rowcrew.table"))
    for one in family.installed():
        if one.migrations and (place := resources.files(one.package)).joinpath(FILE).is_file():
            yield _read(place)


def queue_revision() -> str:
    """The id of the queue's newest migration."""
    return next(shapes()).revision


def expected(versions: Collection[str]) -> list[Part]:
    """The parts that a database of these migrations has. Of other versions than ours nothing is known."""
    return [part for shape in shapes() if shape.revision in versions for part in shape.parts]


def names(parts: Iterable[Part]) -> dict[str, Any]:
    """What `operator/parts` takes to find the same in a database."""
    of_parts = list(parts)
    return {
        "relations": sorted({part.relation for part in of_parts if part.relation}),
        "functions": [part.name for part in of_parts if part.kind == "function"],
    }


def triggers(parts: Iterable[Part]) -> list[str]:
    """The triggers among the parts, as `operator/meddlers` takes them."""
    return [f"{part.relation}.{part.name}" for part in parts if part.kind == "trigger"]


def dropping_rule(rule: Meddler) -> str:
    """The SQL by which a person drops a rule."""
    return f"DROP RULE {rule.name} ON {rule.relation}"


def giving_default(column: Part) -> str:
    """The SQL by which a person gives a column a default."""
    return f'ALTER TABLE {column.relation} ALTER COLUMN "{column.name}" SET DEFAULT …'


def written(shape: Shape) -> str:
    """The text of a `shape.json`: one part a line, for readable differences between versions."""
    lines = ",\n".join(msgspec.json.encode(part[:4]).decode() for part in shape.parts)
    return f'{{"revision": "{shape.revision}", "parts": [\n{lines}\n]}}\n'


def _read(place: Traversable) -> Shape:
    return msgspec.json.decode(place.joinpath(FILE).read_bytes(), type=Shape)
