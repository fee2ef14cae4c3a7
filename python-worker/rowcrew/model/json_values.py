"""The one door for values that become JSON: payloads, children, progress, checkpoints, results, log fields.

In: what Python programs have at hand. Out: JSON text or plain values, the same wherever they go in. Beyond
what msgspec takes (dataclasses, attrs, enums, Decimal, UUID, dates): pydantic models, numpy scalars and
arrays, paths, subclasses of str, int and float, other mappings, sequences and sets.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import KeysView, Mapping, Sequence, Set, ValuesView
from typing import Any

import msgspec


def json_text(value: Any, name: str) -> bytes:
    """The value as JSON text. Sets are sorted where their members can be compared.

    Raises:
        TypeError, ValueError, RecursionError: there is no JSON for it; a number that JSON has not is told by
            its path, which begins with `name`.
    """
    try:
        text = msgspec.json.encode(value, enc_hook=plain, order="deterministic")
    except TypeError:  # members that cannot be compared, keys that are no text
        text = msgspec.json.encode(value, enc_hook=plain)
    if b"null" in text:
        _refuse_odd_numbers(value, name)
    return text


def plain_values(value: Any) -> Any:
    """The value made of dict, list, str, numbers and None, as its JSON is read. Keys keep their order."""
    values = msgspec.to_builtins(value, str_keys=True, enc_hook=plain)
    if _has_only_lists(value):
        return values
    try:
        with_sorted_sets = msgspec.to_builtins(value, str_keys=True, enc_hook=plain, order="deterministic")
    except TypeError:  # members that cannot be compared
        return values
    return _in_order_of(with_sorted_sets, values)


def plain(value: Any) -> Any:
    """A step towards JSON for what msgspec does not know; known by shape, so that nothing need be imported.

    Raises:
        TypeError: it has no JSON form.
    """
    if value is None or isinstance(value, tuple) or type(value) is frozenset:  # asked for only as keys
        raise TypeError(f"a {type(value).__name__} is no key of a JSON object: give text or a number")
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    return _collected(value)


def _collected(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | Set | KeysView | ValuesView | deque):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _has_only_lists(value: Any) -> bool:
    """Whether a value is surely without sets, so that nothing has to be sorted."""
    left = [value]
    while left:
        one = left.pop()
        if type(one) is dict:
            left.extend(one.values())
        elif type(one) in (list, tuple):
            left.extend(one)
        elif type(one) not in (str, int, float, bool, type(None)):
            return False
    return True


def _in_order_of(values: Any, ordered: Any) -> Any:
    """The values with the keys of each dict in the order that they have in the other."""
    if isinstance(values, dict) and isinstance(ordered, dict) and values.keys() == ordered.keys():
        return {key: _in_order_of(values[key], inner) for key, inner in ordered.items()}
    if isinstance(values, list) and isinstance(ordered, list):
        return [_in_order_of(one, other) for one, other in zip(values, ordered, strict=True)]
    return values


def not_finite(value: Any) -> str | None:
    """What is wrong with a number that JSON has not."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a JSON number: give null or text"
    return None


def path_of(name: str, place: Any) -> str:
    """Where a value stands, from its place: (place of the parent, step), None for the whole."""
    steps: list[str] = []
    while place is not None:
        place, step = place
        steps.append(step)
    return name + "".join(reversed(steps))


def _refuse_odd_numbers(value: Any, name: str) -> None:
    """Msgspec writes null for them, silently."""
    left: list[tuple[Any, Any]] = [(plain_values(value), None)]
    while left:
        one, place = left.pop()
        if isinstance(one, dict):
            left.extend((item, (place, f".{key}")) for key, item in one.items())
        elif isinstance(one, list | tuple | set | frozenset):
            left.extend((item, (place, f"[{index}]")) for index, item in enumerate(one))
        elif problem := not_finite(one):
            raise ValueError(f"{path_of(name, place)}: {problem}")
