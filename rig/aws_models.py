"""What AWS takes, by botocore's models of its services: the checks that AWS makes of a request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "boolean": bool,
    "blob": (bytes, str),
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
}


@cache
def service_model(service: str) -> Any:
    from botocore.session import get_session

    return get_session().get_service_model(service)


def input_shape(service: str, operation: str) -> Any:
    """What an operation takes."""
    return service_model(service).operation_model(operation).input_shape


def problems(shape: Any, value: Any, where: str = "") -> Iterator[str]:
    """What in a value goes against a shape: members, types, lengths, patterns, words."""
    expected: Any = _TYPES.get(shape.type_name, object)
    if not isinstance(value, expected):
        yield f"{where} is a {type(value).__name__} in place of a {shape.type_name}"
        return
    yield from _problems_of_one(shape, value, where)
    match shape.type_name:
        case "structure":
            yield from _problems_of_members(shape, value, where)
        case "list":
            for index, one in enumerate(value):
                yield from problems(shape.member, one, f"{where}[{index}]")
        case "map":
            for name, one in value.items():
                yield from problems(shape.value, one, f"{where}[{name}]")


def _problems_of_one(shape: Any, value: Any, where: str) -> Iterator[str]:
    size = len(value) if hasattr(value, "__len__") else value
    limits = shape.metadata
    if not limits.get("min", size) <= size <= limits.get("max", size):
        yield f"{where} has the size {size}"
    if isinstance(value, str):
        if not re.fullmatch(limits.get("pattern", "(?s).*"), value):
            yield f"{where} does not match {limits['pattern']}"
        if value not in limits.get("enum", [value]):
            yield f"{where} is none of {limits['enum']}"


def _problems_of_members(shape: Any, value: dict[str, Any], where: str) -> Iterator[str]:
    yield from (f"{where}.{name} is required" for name in sorted(set(shape.required_members) - set(value)))
    yield from (f"{where}.{name} is unknown" for name in sorted(set(value) - set(shape.members)))
    for name in set(value) & set(shape.members):
        yield from problems(shape.members[name], value[name], f"{where}.{name}")
