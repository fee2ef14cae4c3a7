"""What a program has at hand has one JSON form, at whichever door it comes in."""

from __future__ import annotations

import collections
import dataclasses
import decimal
import enum
import json
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import numpy
import pydantic
import pytest

from rowcrew import Context, Crew, NewJob
from rowcrew.model.json_values import json_text, plain_values
from rowcrew.testing import run_handler


class Markup(str):
    """As template engines make."""

    __slots__ = ()


class Whole(int):
    """As currencies and identifiers are."""


class Colour(str, enum.Enum):  # noqa: UP042 - the older way, which is everywhere
    RED = "red"


class Size(enum.StrEnum):
    SMALL = "s"


@dataclasses.dataclass
class Point:
    x: float


@attrs.define
class Line:
    y: int


class Model(pydantic.BaseModel):
    at: date


FORMS: list[tuple[Any, Any]] = [
    (Markup("<b>"), "<b>"),
    (Colour.RED, "red"),
    (Size.SMALL, "s"),
    (Whole(3), 3),
    (decimal.Decimal("1.50"), "1.50"),
    (uuid.UUID(int=1), str(uuid.UUID(int=1))),
    (date(2026, 1, 2), "2026-01-02"),
    (timedelta(days=1), "P1D"),
    (Point(1.5), {"x": 1.5}),
    (Line(2), {"y": 2}),
    (Model(at=date(2026, 1, 2)), {"at": "2026-01-02"}),
    (numpy.float32(0.5), 0.5),
    (numpy.float64(1.5), 1.5),
    (numpy.int64(2), 2),
    (numpy.bool_(True), True),
    (numpy.array([[1, 2]]), [[1, 2]]),
    (Path("/data"), "/data"),
    ({"c", "a", "b"}, ["a", "b", "c"]),
    (frozenset({3, 1, 2}), [1, 2, 3]),
    (collections.deque([1]), [1]),
    ({"a": 1}.keys(), ["a"]),
    ({Markup("key"): Markup("value")}, {"key": "value"}),
    ({uuid.UUID(int=1): None}, {str(uuid.UUID(int=1)): None}),
    ({"deep": [Markup("x"), {numpy.int8(1)}]}, {"deep": ["x", [1]]}),
]


def by_result(value: Any) -> Any:
    return _run(lambda context: value).result


def by_progress(value: Any) -> Any:
    return _run(lambda context: context.progress(1, message=value)).progress[0]["message"]


def by_checkpoint(value: Any) -> Any:
    return _run(lambda context: context.checkpoint(value)).checkpoints[0]


def by_child(value: Any) -> Any:
    return _run(lambda context: context.enqueue("child", {"value": value})).children[0].payload["value"]


def by_payload(value: Any) -> Any:
    return NewJob("made", {"value": value}).payload["value"]


def _run(act: Callable[[Context], Any]) -> Any:
    crew = Crew()

    @crew.job("acts")
    def acts(context: Context) -> Any:
        return act(context)

    return run_handler(crew, "acts")


@pytest.mark.parametrize("door", [by_result, by_progress, by_checkpoint, by_child, by_payload])
@pytest.mark.parametrize(("value", "form"), FORMS, ids=range(len(FORMS)))
def test_a_value_has_the_same_form_at_every_door(door: Callable[[Any], Any], value: Any, form: Any) -> None:
    assert door(value) == form


@pytest.mark.parametrize("number", [float("nan"), float("inf"), numpy.float64("nan")], ids=repr)
def test_a_number_that_json_has_not_is_refused_by_its_path(number: float) -> None:
    for value, path in (
        ({"a": [None, number]}, r"result\.a\[1\]: "),
        (Point(number), r"result\.x: "),
        (numpy.array([1.0, number]), r"result\[1\]: "),
        (number, "result: "),
    ):
        with pytest.raises(ValueError, match=path + r"(nan|inf) is not a JSON number"):
            json_text(value, "result")


def test_null_is_a_value_like_others() -> None:
    assert json.loads(json_text({"a": None, "b": "null"}, "result")) == {"a": None, "b": "null"}


@pytest.mark.parametrize(
    "value", [object(), 1j, (n for n in [1]), lambda: 1], ids=["object", "complex", "generator", "function"]
)
def test_what_has_no_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="has no JSON form"):
        json_text(value, "result")


class Pair(NamedTuple):
    left: int
    right: int


@pytest.mark.parametrize("key", [None, (1, 2), Pair(1, 2), frozenset([1])], ids=repr)
def test_a_key_that_is_no_text_is_refused_as_a_key(key: Any) -> None:
    """As pandas names its groups: it was told as a recursion too deep, or as None without JSON form."""
    with pytest.raises(TypeError, match="is no key of a JSON object"):
        json_text({"groups": {key: 1}}, "result")
    with pytest.raises(TypeError, match="keys are supported"):
        plain_values({"groups": {key: 1}})


def test_members_that_cannot_be_compared_stay_in_some_order() -> None:
    assert sorted(json.loads(json_text({1, "a"}, "result")), key=str) == [1, "a"]


def test_keys_keep_their_order_and_sets_are_sorted_beside_them() -> None:
    value = {"z": {"b": {3, 1, 2}, "a": 1}, "y": [{"d": 1, "c": 2}], "x": 0}
    assert list(plain_values(value)) == ["z", "y", "x"]
    assert list(plain_values(value)["z"]) == ["b", "a"]
    assert plain_values(value)["z"]["b"] == [1, 2, 3]
    assert list(plain_values(value)["y"][0]) == ["d", "c"]
