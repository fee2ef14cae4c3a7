"""Finds and changes one number among drivers by its path in the payload: `revenue.0.churnRate`.

In: drivers and a path. Out: the number, its bounds, or drivers with another number there. Called by the
scenarios of `model_run` and the drivers of `driver_simulation`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import inspect

from rowcrew.bundled.model_run.saas_model import Drivers


class UnknownPath(ValueError):
    """An error: there is no number at the path. The text says how far it leads and what is there."""


class Bounds(msgspec.Struct, frozen=True):
    """The least and the greatest value that a driver takes."""

    least: float
    greatest: float


def changed(drivers: Drivers, path: str, change: Callable[[Any], Any]) -> Drivers:
    """The drivers, with the number at the path changed and nothing checked.

    Raises:
        UnknownPath: there is no number at the path.
    """
    result: Drivers = _changed(drivers, path.split("."), 0, change)
    return result


def bounds(drivers: Drivers, path: str) -> Bounds:
    """The bounds of the driver at the path.

    Raises:
        UnknownPath: there is no driver at the path, or one that takes whole numbers only.
    """
    *steps, last = path.split(".")
    owner: Any = drivers
    for place in range(len(steps)):
        owner = _child(owner, steps, place)
    name = _field(owner, [*steps, last], len(steps))
    info = inspect.type_info(type(owner))
    assert isinstance(info, inspect.StructType)
    kind = next(field.type for field in info.fields if field.name == name)
    if not isinstance(kind, inspect.FloatType) or kind.ge is None or kind.le is None:
        raise UnknownPath(f"{path} does not vary: it is no amount, rate or count")
    return Bounds(kind.ge, kind.le)


def _changed(node: Any, steps: list[str], place: int, change: Callable[[Any], Any]) -> Any:
    if place == len(steps):
        if not isinstance(node, int | float):
            raise UnknownPath(f"{'.'.join(steps)} is no number")
        return change(node)
    child = _changed(_child(node, steps, place), steps, place + 1, change)
    if isinstance(node, tuple):
        position = int(steps[place])
        return (*node[:position], child, *node[position + 1 :])
    return msgspec.structs.replace(node, **{_field(node, steps, place): child})


def _child(node: Any, steps: list[str], place: int) -> Any:
    if not isinstance(node, tuple):
        return getattr(node, _field(node, steps, place))
    step = steps[place]
    if not (step.isdecimal() and step.isascii() and int(step) < len(node)):
        lines = f"lines 0 to {len(node) - 1}" if node else "no lines"
        raise UnknownPath(f"{'.'.join(steps[:place])} has {lines}")
    return node[int(step)]


def _field(node: Any, steps: list[str], place: int) -> str:
    """The attribute that the step names as JSON does."""
    if not isinstance(node, msgspec.Struct):
        raise UnknownPath(f"{'.'.join(steps[:place])} has nothing below it")
    names = dict(zip(node.__struct_encode_fields__, node.__struct_fields__, strict=True))
    if steps[place] not in names:
        owner = ".".join(steps[:place]) or "the model"
        raise UnknownPath(f"{owner} has {', '.join(names)}")
    return names[steps[place]]
