"""Payloads as somebody edits them: secrets masked and put back, and what a published schema refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import pytest

from rig.http_place import Reply, Request, served
from rowcrew.model.cleaning import clean_text
from rowcrew.model.errors import InvalidJob
from rowcrew.model.masking import MASK, masked, unmasked
from rowcrew.model.payload_schema import complaint

PAYLOAD = {
    "url": "https://a.example",
    "apiKey": "k-1",
    "headers": [{"Authorization": "Bearer x"}, {"Accept": "text/html"}],
    "db": {"password": "hunter2", "port": 5432},
    "tokens": ["a", "b"],
    "pin_token": 4711,
    "secret": None,
}


def test_secrets_are_masked_by_their_names_however_deep_they_stand() -> None:
    told = masked(PAYLOAD)
    assert told["url"] == "https://a.example"
    assert told["db"] == {"password": MASK, "port": 5432}
    assert told["headers"] == [{"Authorization": f"{MASK} 1"}, {"Accept": "text/html"}]
    assert (told["apiKey"], told["tokens"], told["pin_token"], told["secret"]) == (
        MASK,
        [f"{MASK} 1", f"{MASK} 2"],
        MASK,
        None,
    )


def test_a_mask_that_is_left_stays_what_it_was_and_a_new_secret_is_taken() -> None:
    edited = masked(PAYLOAD)
    edited["url"] = "https://b.example"
    edited["db"]["password"] = "new"
    restored = unmasked(edited, PAYLOAD)
    assert restored == {**PAYLOAD, "url": "https://b.example", "db": {"password": "new", "port": 5432}}


@pytest.mark.parametrize(
    ("edited", "path"),
    [
        ({"new": MASK}, "payload.new"),
        ({"tokens": [f"{MASK} 2", MASK]}, "payload.tokens[1]"),
        ({"tokens": [f"{MASK} 3"]}, "payload.tokens[0]"),
        ({"url": MASK}, "payload.url"),
        ({"db": {"port": MASK}}, "payload.db.port"),
        ({"headers": [{"Accept": f"{MASK} 1"}]}, "payload.headers[0].Accept"),
        ({"db": MASK}, "payload.db"),
    ],
)
def test_a_mask_where_there_was_no_secret_is_refused(edited: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidJob) as refused:
        unmasked(edited, PAYLOAD)
    assert refused.value.field == path


ACCOUNTS = [{"name": name, "token": f"t-{name}"} for name in "abc"]


@pytest.mark.parametrize(
    "order",
    [[1, 2], [2, 1, 0], [0, 2], [0, 1, 1, 2], []],
    ids=["the first removed", "turned around", "one removed", "one copied", "all removed"],
)
def test_a_secret_stays_with_its_item_wherever_that_is_moved(order: list[int]) -> None:
    told = masked({"accounts": ACCOUNTS})["accounts"]
    moved = unmasked({"accounts": [told[place] for place in order]}, {"accounts": ACCOUNTS})
    assert moved == {"accounts": [ACCOUNTS[place] for place in order]}


def test_an_item_that_is_put_before_others_takes_none_of_their_secrets() -> None:
    told = masked({"accounts": ACCOUNTS})["accounts"]
    new = {"name": "new", "token": "t-new"}
    assert unmasked({"accounts": [new, *told]}, {"accounts": ACCOUNTS}) == {"accounts": [new, *ACCOUNTS]}
    with pytest.raises(InvalidJob, match="such as •••••• 1") as refused:
        unmasked({"accounts": [{**new, "token": MASK}, *told]}, {"accounts": ACCOUNTS})
    assert refused.value.field == "payload.accounts[0].token"


def test_all_that_stands_in_a_secret_is_one() -> None:
    payload = {"credentials": {"user": "u", "of": ["x", {"y": 1}]}, "secrets": {"mail": "pw", "is_old": True}}
    told = masked(payload)
    assert told == {
        "credentials": {"user": MASK, "of": [f"{MASK} 1", {"y": f"{MASK} 1"}]},
        "secrets": {"mail": MASK, "is_old": True},
    }
    assert unmasked(told, payload) == payload


def test_a_text_that_only_looks_like_a_mask_stays() -> None:
    payload = {"note": MASK, "notes": [f"{MASK} 7"], "token": MASK}
    assert unmasked(masked(payload), payload) == payload


@pytest.mark.parametrize(
    "name", ["db_password", "PWD", "client-secret", "X-Api-Key", "accessKey", "passwort"]
)
def test_a_name_that_hides_a_field_hides_it_in_texts_too(name: str) -> None:
    assert masked({name: "hunter2"}) == {name: MASK}
    assert "hunter2" not in clean_text(f"{name}=hunter2")


@dataclass
class Row:
    name: str
    amount: float | None = None


class Report(msgspec.Struct, forbid_unknown_fields=True):
    """As a crew would declare it."""

    account: int
    format: Literal["pdf", "csv"] = "pdf"
    rows: list[Row] = []
    draft: bool = False


SCHEMA = msgspec.json.schema(Report)


@pytest.mark.parametrize(
    "payload",
    [
        {"account": 1},
        {"account": 1, "rows": [{"name": "a", "amount": None}, {"name": "b", "amount": 2}]},
        {"account": 1, "draft": True, "format": "csv"},
    ],
)
def test_what_fits_the_schema_is_let_through(payload: dict[str, Any]) -> None:
    assert complaint(payload, SCHEMA) is None
    msgspec.convert(payload, Report)


@pytest.mark.parametrize(
    ("payload", "path", "problem"),
    [
        ({}, "payload.account", "is missing"),
        ({"account": "1"}, "payload.account", "must be integer"),
        ({"account": True}, "payload.account", "must be integer"),
        ({"account": 1.5}, "payload.account", "must be integer"),
        ({"account": 1, "format": "doc"}, "payload.format", "must be one of csv, pdf"),
        ({"account": 1, "rows": [{"name": 1}]}, "payload.rows[0].name", "must be string"),
        (
            {"account": 1, "rows": [{"name": "a", "amount": "x"}]},
            "payload.rows[0].amount",
            "must be number or null",
        ),
        ({"account": 1, "colour": "red"}, "payload.colour", "is unknown"),
    ],
)
def test_the_first_thing_that_does_not_fit_is_told_with_its_place(
    payload: dict[str, Any], path: str, problem: str
) -> None:
    found = complaint(payload, SCHEMA)
    assert found is not None
    assert (found.path, found.problem.partition(";")[0]) == (path, problem)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(payload, Report)


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ({"type": "integer", "minimum": 1}, 0, "must be at least 1"),
        ({"type": "number", "exclusiveMaximum": 2}, 2, "must be less than 2"),
        ({"type": "string", "maxLength": 2}, "abc", "must have at most 2 characters"),
        ({"type": "array", "minItems": 1}, [], "must have at least 1 items"),
        ({"type": "string", "pattern": "^a"}, "b", "must match ^a"),
        ({"allOf": [{"type": "string"}]}, 1, "must be string"),
        ({"const": "x"}, "y", "must be one of x"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "y", "must be null or integer"),
        ({"type": ["string", "null"]}, 1, "must be string or null"),
    ],
)
def test_bounds_are_heeded(schema: dict[str, Any], value: Any, problem: str) -> None:
    found = complaint(value, schema)
    assert found is not None
    assert found.problem == problem


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/nowhere"},
        {"$ref": "#"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}},
        {"type": "unheard-of"},
        {"pattern": "("},
        {"properties": {"a": True}, "items": [{}]},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
    ],
)
def test_a_schema_that_is_not_understood_forbids_nothing(schema: dict[str, Any]) -> None:
    assert complaint({"a": ["text"]}, schema) is None
    assert complaint("text", schema) is None


def test_a_reference_to_another_place_is_not_followed() -> None:
    """PrefectHQ/prefect#22252, PrefectHQ/fastmcp#3502"""
    asked: list[Request] = []

    def schema(request: Request) -> Reply:
        asked.append(request)
        return Reply(200, b'{"type": "string"}')

    with served(schema) as address:
        assert complaint({"a": 1}, {"properties": {"a": {"$ref": f"{address}/schema"}}}) is None
    assert not asked


def test_items_are_compared_while_they_are_few() -> None:
    """Of two kinds they cannot be sorted: each is compared with each."""
    items = [one for number in range(20_000) for one in (number, str(number))]
    schema = {"uniqueItems": True}
    assert complaint([*items[:400], items[0]], schema) == ("payload", "must have no item twice")
    assert complaint([*items, items[0]], schema) is None


def test_a_schema_that_contains_itself_ends() -> None:
    tree = {
        "$ref": "#/$defs/tree",
        "$defs": {"tree": {"properties": {"below": {"$ref": "#/$defs/tree"}}, "type": "object"}},
    }
    value: dict[str, Any] = {}
    for _ in range(90):
        value = {"below": value}
    assert complaint(value, tree) is None
    assert complaint({"below": {"below": 1}}, tree) == ("payload.below.below", "must be object")
