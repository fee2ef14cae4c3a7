"""How a handler's signature takes a payload."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pydantic
import pytest

from rowcrew import Context, PermanentError
from rowcrew.model.errors import CrewError
from rowcrew.payload import Binding, UnknownKey, bind


class OptionStruct(msgspec.Struct):
    spot: float
    strike: float = 100.0


class StrictStruct(msgspec.Struct, forbid_unknown_fields=True):
    spot: float


@dataclasses.dataclass
class OptionDataclass:
    spot: float
    strike: float = 100.0


class OptionDict(TypedDict):
    spot: float


class OptionModel(pydantic.BaseModel):
    spot: float
    strike: float = 100.0


class Leg(msgspec.Struct):
    spot: float


class Spread(msgspec.Struct):
    legs: list[Leg]


def takes_struct(option: OptionStruct) -> None: ...
def takes_dataclass(option: OptionDataclass) -> None: ...
def takes_typed_dict(option: OptionDict) -> None: ...
def takes_model(option: OptionModel) -> None: ...
def takes_dict(option: dict[str, Any]) -> None: ...
def takes_bare_dict(option: dict) -> None: ...  # type: ignore[type-arg]
def takes_mapping(option: Mapping[str, Any]) -> None: ...
def takes_context_first(context: Context, option: OptionStruct) -> None: ...
def takes_context_last(option: OptionStruct, context: Context) -> None: ...
def takes_context_by_name(option: OptionStruct, *, ctx: Context) -> None: ...


PAYLOAD = '{"spot": 1}'


@pytest.mark.parametrize(
    ("handler", "value"),
    [
        (takes_struct, OptionStruct(1.0)),
        (takes_dataclass, OptionDataclass(1.0)),
        (takes_typed_dict, {"spot": 1.0}),
        (takes_model, OptionModel(spot=1.0)),
        (takes_dict, {"spot": 1}),
        (takes_bare_dict, {"spot": 1}),
        (takes_mapping, {"spot": 1}),
    ],
)
def test_one_parameter_with_a_type_for_objects_takes_the_whole_payload(
    handler: Callable[..., Any], value: Any
) -> None:
    assert bind(handler).decode(PAYLOAD) == {"option": value}


@pytest.mark.parametrize(
    ("handler", "parameter"),
    [(takes_context_first, "context"), (takes_context_last, "context"), (takes_context_by_name, "ctx")],
)
def test_the_context_goes_to_the_parameter_annotated_with_it(
    handler: Callable[..., Any], parameter: str
) -> None:
    binding = bind(handler)
    assert binding.context_parameter == parameter
    assert binding.decode(PAYLOAD) == {"option": OptionStruct(1.0)}


def test_several_parameters_take_the_keys_of_their_names() -> None:
    def handler(day: date, spot: float, context: Context, kind: Literal["call", "put"] = "call") -> None: ...

    decoded = bind(handler).decode('{"spot": 1, "day": "2026-01-31"}')
    assert decoded == {"day": date(2026, 1, 31), "spot": 1.0, "kind": "call"}


def test_one_plain_parameter_takes_the_key_of_its_name() -> None:
    def handler(spot: float) -> None: ...

    assert bind(handler).decode(PAYLOAD) == {"spot": 1.0}


def test_a_parameter_without_annotation_takes_any_value() -> None:
    def handler(spot, strike=None):  # type: ignore[no-untyped-def]
        ...

    assert bind(handler).decode('{"spot": {"a": [1]}}') == {"spot": {"a": [1]}, "strike": None}


def test_without_parameters_any_payload_will_do() -> None:
    def handler() -> None: ...

    def only_context(context: Context) -> None: ...

    assert bind(handler).decode(PAYLOAD) == {}
    assert bind(only_context).decode(PAYLOAD) == {}
    assert bind(only_context).context_parameter == "context"


def test_a_default_may_be_of_any_kind() -> None:
    marker = object()

    def handler(tags: Any = marker, names: list[str] = ["a"], n: int = 3) -> None:  # noqa: B006
        ...

    decoded = bind(handler).decode("{}")
    assert decoded["tags"] is marker
    assert decoded["names"] == ["a"]
    assert bind(handler).decode('{"names": []}')["names"] == []


def complaint(binding: Binding, payload: str) -> str:
    with pytest.raises(PermanentError) as refused:
        binding.decode(payload)
    text = str(refused.value)
    assert text.startswith("payload is not what this type takes: ")
    return text


def test_an_unknown_key_is_refused_where_keys_are_parameters() -> None:
    def handler(spot: float) -> None: ...

    with pytest.raises(UnknownKey, match=r"contains unknown field `spott`$"):
        bind(handler).decode('{"spot": 1, "spott": 2}')


class StrictModel(pydantic.BaseModel, extra="forbid"):
    spot: float


def test_an_unknown_key_is_for_the_model_to_refuse_where_it_takes_the_whole_payload() -> None:
    def strict(option: StrictStruct) -> None: ...

    def strict_model(option: StrictModel) -> None: ...

    assert bind(takes_struct).decode('{"spot": 1, "more": 2}') == {"option": OptionStruct(1.0)}
    for handler in (strict, strict_model):
        with pytest.raises(PermanentError, match="more"):
            bind(handler).decode('{"spot": 1, "more": 2}')


def test_a_key_that_was_renamed_counts_as_unknown() -> None:
    def renamed(spot: float) -> None: ...

    with pytest.raises(UnknownKey, match="price"):
        bind(renamed).decode('{"price": 1}')


def test_a_key_that_a_parameters_own_type_forbids_is_no_key_of_the_handler() -> None:
    def nested(option: StrictStruct, number: int = 1) -> None: ...

    with pytest.raises(PermanentError, match="more"):
        bind(nested).decode('{"option": {"spot": 1, "more": 2}}')


@pytest.mark.parametrize("handler", [takes_struct, takes_dataclass, takes_typed_dict, takes_model])
def test_an_error_names_the_field_and_not_its_value(handler: Callable[..., Any]) -> None:
    wrong = complaint(bind(handler), '{"spot": "canary"}')
    assert "`payload.spot`" in wrong
    assert "canary" not in wrong
    assert "spot" in complaint(bind(handler), "{}")


def test_an_error_in_a_parameter_names_it() -> None:
    def handler(spot: Annotated[float, msgspec.Meta(gt=0)], name: str = "x") -> None: ...

    assert "`payload.spot`" in complaint(bind(handler), '{"spot": -1}')
    assert "`payload.name`" in complaint(bind(handler), '{"spot": 1, "name": 2}')
    assert "missing required field `spot`" in complaint(bind(handler), "{}")


def test_an_error_deep_inside_tells_the_way_there() -> None:
    def handler(spread: Spread) -> None: ...

    def of_model(spread: SpreadModel) -> None: ...

    for taken in (handler, of_model):
        assert "`payload.legs[1].spot`" in complaint(bind(taken), '{"legs": [{"spot": 1}, {"spot": "x"}]}')


class SpreadModel(pydantic.BaseModel):
    legs: list[OptionModel]


def test_a_dollar_sign_that_is_no_path_is_left_alone() -> None:
    def handler(code: Annotated[str, msgspec.Meta(pattern="^a$")]) -> None: ...

    assert "'^a$'" in complaint(bind(handler), '{"code": "b"}')


@pytest.mark.parametrize("payload", ["[1]", '"text"', "nonsense", "", '{"spot": 1', "[" * 100_000])
@pytest.mark.parametrize("handler", [takes_struct, takes_model, takes_dict])
def test_a_payload_that_is_no_object_is_refused(handler: Callable[..., Any], payload: str) -> None:
    complaint(bind(handler), payload)


@pytest.mark.parametrize(
    ("handler", "parameter"),
    [
        (lambda *args: None, "'args'"),
        (lambda **options: None, "'options'"),
        (lambda spot, /: None, "'spot'"),
    ],
)
def test_a_parameter_that_no_key_can_fill_is_refused_by_name(
    handler: Callable[..., Any], parameter: str
) -> None:
    with pytest.raises(CrewError, match=f"parameter {parameter} cannot be filled from a payload key"):
        bind(handler)


def test_a_context_that_cannot_be_passed_by_name_is_refused() -> None:
    def positional(context: Context, /, spot: float) -> None: ...

    def several(*contexts: Context) -> None: ...

    for handler in (positional, several):
        with pytest.raises(CrewError, match=r"parameter 'contexts?' cannot be filled"):
            bind(handler)


def test_an_annotation_that_cannot_be_resolved_is_shown() -> None:
    def handler(option: Missing) -> None:  # type: ignore[name-defined] # noqa: F821
        ...

    with pytest.raises(CrewError, match=r"handler: an annotation cannot be resolved: .*'Missing'"):
        bind(handler)


def test_an_annotation_that_json_cannot_hold_is_refused() -> None:
    def handler(connection: complex) -> None: ...

    with pytest.raises(CrewError, match="no JSON Schema"):
        bind(handler)


def schema_of(handler: Callable[..., Any]) -> dict[str, Any]:
    """The JSON Schema of the payload object itself, wherever it stands in the document."""
    document: dict[str, Any] = msgspec.json.decode(bind(handler).schema)
    if "$ref" in document:
        named: dict[str, Any] = document["$defs"][document["$ref"].removeprefix("#/$defs/")]
        return named
    return document


@pytest.mark.parametrize("handler", [takes_struct, takes_dataclass, takes_model])
def test_the_schema_tells_fields_types_and_defaults(handler: Callable[..., Any]) -> None:
    schema = schema_of(handler)
    assert schema["type"] == "object"
    assert schema["properties"]["spot"]["type"] == "number"
    assert schema["properties"]["strike"]["default"] == 100.0
    assert schema["required"] == ["spot"]


def test_the_schema_of_parameters_allows_no_others() -> None:
    def handler(spot: float, context: Context, paths: int = 1_000, tags: list[str] = ["a"]) -> None:  # noqa: B006
        ...

    schema = schema_of(handler)
    assert set(schema["properties"]) == {"spot", "paths", "tags"}
    assert schema["properties"]["paths"]["default"] == 1_000
    assert schema["required"] == ["spot"]
    assert schema["additionalProperties"] is False


def test_the_schema_without_parameters_takes_any_object() -> None:
    def handler() -> None: ...

    assert schema_of(handler)["type"] == "object"


def test_a_context_that_may_be_missing_is_the_context() -> None:
    def handler(price: float, context: Context | None = None) -> None: ...

    binding = bind(handler)
    assert binding.context_parameter == "context"
    assert binding.decode('{"price": 1}') == {"price": 1.0}


class Session:
    """As database libraries have."""


def test_a_parameter_that_another_decorator_passes_is_refused_in_one_sentence() -> None:
    def handler(session: Session, customer: int) -> None: ...

    with pytest.raises(CrewError, match="parameter 'session' cannot be filled from a payload: there is"):
        bind(handler)
