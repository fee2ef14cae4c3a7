"""What a job may hold: checked before the database sees it, and read back as it was given."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections import OrderedDict
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowcrew import InvalidJob, NewJob, enqueue
from rowcrew.model.new_job import PAYLOAD_BYTES, document
from tests.conftest import Connect
from tests.contract.hands import read


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def endless() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["a"] = value
    return value


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"type": ""}, "type: '' must be text of 1 to 200 characters"),
    ({"type": None}, "type: None must be text"),
    ({"type": "t" * 201}, "type: "),
    ({"type": "a\0b"}, "type: has a NUL character"),
    ({"type": "\ud800"}, "type: has half of a surrogate pair"),
    ({"queue": "Not a name"}, "queue: 'Not a name' must be 1 to 63 of a-z"),
    ({"queue": "a\n"}, "queue: "),
    ({"queue": ""}, "queue: "),
    ({"queue": "a" * 64}, "queue: "),
    ({"priority": "highest"}, "priority: 'highest' is unknown; give urgent, high"),
    ({"priority": 32768}, "priority: "),
    ({"priority": True}, "priority: "),
    ({"run_at": datetime(2030, 1, 1)}, "run_at: 2030-01-01T00:00:00 has no time zone"),  # noqa: DTZ001
    ({"run_at": datetime(1999, 1, 1, tzinfo=UTC)}, "run_at: .* must be in the years 2000 to 2200"),
    ({"run_at": datetime(2201, 1, 1, tzinfo=UTC)}, "run_at: .* must be in the years 2000 to 2200"),
    ({"run_at": timedelta(seconds=-1)}, "run_at: .* must be from 0 to 36500 days"),
    ({"run_at": "tomorrow"}, "run_at: 'tomorrow' must be a datetime with a time zone, or a timedelta"),
    ({"run_at": date(2030, 1, 1)}, "run_at: "),
    ({"max_attempts": 0}, "max_attempts: 0 must be a whole number from 1 to 1000"),
    ({"max_attempts": 2.0}, "max_attempts: "),
    ({"max_attempts": True}, "max_attempts: "),
    ({"timeout_seconds": 0}, "timeout_seconds: 0 must be a whole number from 1 to"),
    ({"timeout_seconds": 2**31}, "timeout_seconds: "),
    ({"unique_key": ""}, "unique_key: '' must be text of 1 to 255 characters"),
    ({"unique_key": "k" * 256}, "unique_key: "),
    ({"concurrency_key": 5}, "concurrency_key: 5 must be text"),
    ({"parent_id": "7"}, "parent_id: '7' must be a whole number"),
    ({"payload": [1]}, r"payload: must be a JSON object, such as \{'key': …\}, and not \[1\]"),
    ({"payload": "text"}, "payload: must be a JSON object"),
    ({"payload": None}, "payload: must be a JSON object"),
    ({"payload": {"a": float("nan")}}, r"payload\.a: nan is not a JSON number"),
    ({"payload": {"a": {"b": [0, float("-inf")]}}}, r"payload\.a\.b\[1\]: -inf is not a JSON number"),
    ({"payload": {"a": "\0"}}, r"payload\.a: has a NUL character"),
    ({"payload": {"a": ["\udfff"]}}, r"payload\.a\[0\]: has half of a surrogate pair"),
    ({"payload": {"a": (1, {float("nan")})}}, r"payload\.a\[1\]\[0\]: nan is not a JSON number"),
    ({"payload": {"a": {"\0": 1}}}, r"payload\.a: key '\\x00' has a NUL character"),
    ({"payload": {"a": object()}}, "payload: is not JSON: object has no JSON form"),
    ({"payload": nested(101)}, "payload: is nested deeper than 100 levels"),
    ({"payload": nested(100_000)}, "payload: is nested deeper than 100 levels"),
    ({"payload": endless()}, "payload: is nested deeper than 100 levels"),
    (
        {"payload": {"a": "x" * PAYLOAD_BYTES}},
        "payload: 1000008 bytes are more than 1000000: enqueue a reference",
    ),
]


@pytest.mark.parametrize(("options", "complaint"), REFUSED)
def test_what_cannot_be_stored_is_refused_by_name(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidJob, match=f"^{complaint}"):
        NewJob(**{"type": "x", **options})


@dataclasses.dataclass
class Point:
    x: int
    when: date


class Struct(msgspec.Struct):
    x: int


class Model(pydantic.BaseModel):
    x: int


@pytest.mark.parametrize(
    ("payload", "stored"),
    [
        (Struct(1), {"x": 1}),
        (Point(1, date(2030, 1, 2)), {"x": 1, "when": "2030-01-02"}),
        (Model(x=1), {"x": 1}),
        (OrderedDict(x=1), {"x": 1}),
        (MappingProxyType({"x": 1}), {"x": 1}),
        ({"id": UUID(int=1), 5: (1, 2)}, {"id": "00000000-0000-0000-0000-000000000001", "5": [1, 2]}),
        ({"large": 2**70}, {"large": 2**70}),
        (nested(100), nested(100)),
    ],
)
def test_whatever_becomes_a_json_object_is_a_payload(table: Connect, payload: Any, stored: Any) -> None:
    assert NewJob("x", payload).payload == stored
    id = enqueue("x", payload, on=table()).id
    assert read(table(), id, "payload") == (stored,)


def test_a_job_does_not_change_with_what_it_was_made_of() -> None:
    payload = {"list": [1]}
    job = NewJob("x", payload)
    payload["list"].append(2)
    assert job.payload == {"list": [1]}


def test_priorities_have_names() -> None:
    names = ("urgent", "high", "normal", "low")
    assert [NewJob("x", priority=name).priority for name in names] == [20, 10, 0, -10]


def test_a_moment_in_another_time_zone_is_the_same_moment(table: Connect) -> None:
    at = datetime(2031, 1, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert read(table(), enqueue("x", run_at=at, on=table()).id, "runAt") == (at,)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=st.dictionaries(TEXT, JSON))
def test_every_payload_that_is_taken_reads_back_equal(table: Connect, payload: dict[str, Any]) -> None:
    id = enqueue("x", payload, on=table()).id
    assert is_same(read(table(), id, "payload")[0], payload)


def is_same(stored: Any, given: Any) -> bool:
    """Equal, where PostgreSQL may show a float without a fraction as the whole number of its digits."""
    if isinstance(given, float):
        return isinstance(stored, int | float) and float(stored) == given
    if isinstance(given, dict):
        return stored.keys() == given.keys() and all(is_same(stored[key], given[key]) for key in given)
    if isinstance(given, list):
        return len(stored) == len(given) and all(map(is_same, stored, given))
    return bool(stored == given)


ANYTHING = st.recursive(
    st.none() | st.floats() | st.text(st.characters()) | st.integers() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=10,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=ANYTHING)
def test_a_payload_is_refused_or_can_be_inserted(table: Connect, payload: Any) -> None:
    job = None
    with contextlib.suppress(InvalidJob):
        job = NewJob("x", payload)
    if job is not None:
        assert is_same(read(table(), enqueue(job, on=table()).id, "payload")[0], job.payload)


def test_the_document_is_one_array_with_an_object_for_each_job() -> None:
    written = json.loads(document([NewJob("a", {"n": 1}), NewJob("b", queue="own")], queue="usual"))
    assert [(row["type"], row["queue"], row["usualQueue"], row["payload"]) for row in written] == [
        ("a", None, "usual", {"n": 1}),
        ("b", "own", "usual", {}),
    ]
