"""Turns a job's payload into a handler's arguments.

In: a handler's signature, once; then the payload's JSON text, for every run. Out: the keyword arguments of
the call, validated, and the JSON Schema that `job_types` publishes. Called by `crew`.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import msgspec

from rowcrew.context import Context, PermanentError
from rowcrew.model.errors import CrewError, RowcrewError

Decode = Callable[[str], dict[str, Any]]


class UnknownKey(RowcrewError):
    """A payload has a key that no parameter of this handler takes; one of a newer version may."""


_UNKNOWN_FIELD = "Object contains unknown field"
_WITHIN = " - at "  # deeper than a key of the payload itself, in a type that forbids others
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Binding(msgspec.Struct, frozen=True):
    """How one handler takes its payload.

    Attributes:
        decode: payload text to keyword arguments; raises `PermanentError` or `UnknownKey`, which name the
            field.
        context_parameter: name of the parameter that takes the `Context`, if there is one.
        schema: JSON Schema of the payload, as JSON text.
        signature: of the handler's call, without the context.
        whole: name of the parameter that takes the whole payload, if there is one.
    """

    decode: Decode
    context_parameter: str | None
    schema: bytes
    signature: inspect.Signature
    whole: str | None = None

    def payload(self, /, *args: Any, **kwargs: Any) -> Any:
        """The payload that becomes these arguments.

        Raises:
            TypeError: the handler has no such parameter, or misses one.
        """
        bound = self.signature.bind(*args, **kwargs)
        if self.whole is None:
            return bound.arguments
        bound.apply_defaults()
        value = bound.arguments[self.whole]
        # By the names that the decoder reads; those of a Struct are written so in any case.
        return value.model_dump(mode="json", by_alias=True) if _is_pydantic(type(value)) else value


def bind(handler: Callable[..., Any]) -> Binding:
    """The binding of a handler, from its annotations.

    One parameter annotated with a msgspec Struct (or a union of them), dataclass, TypedDict, pydantic model
    or dict takes the whole payload; otherwise each parameter takes the payload's key of its name.

    Raises:
        CrewError: a parameter that no payload key can fill.
    """
    hints = _hints(handler)
    signature = inspect.signature(handler)
    parameters = dict(signature.parameters)
    for name, parameter in parameters.items():
        if parameter.kind not in _NAMED:
            raise CrewError(f"{handler.__qualname__}: parameter {name!r} cannot be filled from a payload key")
    context_parameter = next((name for name in parameters if _is_context(hints.get(name))), None)
    parameters.pop(context_parameter or "", None)
    call = signature.replace(parameters=list(parameters.values()))
    if len(parameters) == 1:
        name = next(iter(parameters))
        annotation = hints.get(name, Any)
        if _is_pydantic(annotation):
            decode, schema = _pydantic_decoder(name, annotation), _pydantic_schema(annotation)
            return Binding(decode, context_parameter, schema, call, whole=name)
        if _takes_whole_payload(annotation):
            return Binding(
                _decoder(name, annotation), context_parameter, _schema(annotation), call, whole=name
            )
    if not parameters:
        return Binding(lambda payload: {}, context_parameter, _schema(dict[str, Any]), call)
    for name in parameters:
        _refuse_unfillable(handler, name, hints.get(name, Any))
    keywords = _keywords_type(handler, parameters, hints)
    return Binding(_keywords_decoder(keywords), context_parameter, _schema(keywords), call)


def _hints(handler: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(handler, include_extras=True)
    except Exception as error:
        raise CrewError(f"{handler.__qualname__}: an annotation cannot be resolved: {error}") from error


def _is_context(annotation: Any) -> bool:
    """`Context`, or `Context | None` of a function that is also called without one."""
    return annotation is Context or (
        get_origin(annotation) in (Union, UnionType) and set(get_args(annotation)) == {Context, NoneType}
    )


def _takes_whole_payload(annotation: Any) -> bool:
    if get_origin(annotation) in (dict, Mapping) or annotation in (dict, Mapping):
        return True
    if get_origin(annotation) in (Union, UnionType):
        return all(_is_struct(member) for member in get_args(annotation))
    origin = get_origin(annotation) or annotation
    return isinstance(origin, type) and (
        _is_struct(origin) or dataclasses.is_dataclass(origin) or is_typeddict(origin)
    )


def _is_struct(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, msgspec.Struct)


def _is_pydantic(annotation: Any) -> bool:
    return isinstance(annotation, type) and hasattr(annotation, "model_validate_json")


def _keywords_type(
    handler: Callable[..., Any], parameters: Mapping[str, inspect.Parameter], hints: Mapping[str, Any]
) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for name, parameter in parameters.items():
        annotation = hints.get(name, Any)
        if parameter.default is inspect.Parameter.empty:
            fields.append((name, annotation))
        else:
            fields.append((name, annotation, _default(parameter.default)))
    return msgspec.defstruct(f"{handler.__name__}_payload", fields, kw_only=True, forbid_unknown_fields=True)


def _default(value: Any) -> Any:
    """Plain values are shown in the schema; others, which could change, come from a function."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return msgspec.field(default_factory=lambda: value)


def _decoder(name: str, annotation: Any) -> Decode:
    decoder = msgspec.json.Decoder(annotation)
    require_known_tag = _tag_check(annotation)

    def decode(payload: str) -> dict[str, Any]:
        require_known_tag(payload)
        return {name: _validated(decoder, payload)}

    return decode


def _tag_check(annotation: Any) -> Callable[[str], None]:
    """Refuses a payload whose tag names no Struct there is; unlike msgspec it tells which there are."""
    members = [member for member in get_args(annotation) or (annotation,) if _is_struct(member)]
    tags = [member.__struct_config__.tag for member in members]
    field = members[0].__struct_config__.tag_field if members else None
    if field is None:
        return lambda payload: None
    tagged = msgspec.defstruct("Tagged", [("tag", Any, msgspec.field(name=field))])
    decoder = msgspec.json.Decoder(tagged)

    def require_known_tag(payload: str) -> None:
        tag = _validated(decoder, payload).tag
        if tag not in tags:
            raise PermanentError(
                f"payload is not what this type takes: {field} {tag!r} is unknown; "
                f"give {' or '.join(map(repr, tags))}"
            )

    return require_known_tag


def _refuse_unfillable(handler: Callable[..., Any], name: str, annotation: Any) -> None:
    try:
        msgspec.json.schema(annotation)
    except TypeError as error:
        raise CrewError(
            f"{handler.__qualname__}: parameter {name!r} cannot be filled from a payload: there is no JSON "
            f"Schema for {getattr(annotation, '__qualname__', annotation)}; what another decorator passes "
            "must not be in the signature it shows"
        ) from error


def _keywords_decoder(keywords: type[msgspec.Struct]) -> Decode:
    decoder = msgspec.json.Decoder(keywords)
    names = keywords.__struct_fields__

    def decode(payload: str) -> dict[str, Any]:
        try:
            values = decoder.decode(payload)
        except (msgspec.MsgspecError, RecursionError) as error:
            told = _misfit(str(error))
            is_key_of_ours = _UNKNOWN_FIELD in told and _WITHIN not in told
            raise (UnknownKey if is_key_of_ours else PermanentError)(told) from error
        return {name: getattr(values, name) for name in names}

    return decode


def _validated(decoder: msgspec.json.Decoder[Any], payload: str) -> Any:
    try:
        return decoder.decode(payload)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise PermanentError(_misfit(str(error))) from error


def _pydantic_decoder(name: str, model: Any) -> Decode:
    def decode(payload: str) -> dict[str, Any]:
        try:
            return {name: model.model_validate_json(payload)}
        except ValueError as error:
            raise PermanentError(_misfit(_pydantic_complaints(error))) from error

    return decode


def _pydantic_complaints(error: Any) -> str:
    """In the form of the other errors, and without the values that pydantic puts in."""
    return "; ".join(
        f"{complaint['msg']} - at `payload{''.join(map(_step, complaint['loc']))}`"
        for complaint in error.errors(include_url=False, include_input=False)
    )


def _misfit(complaint: str) -> str:
    return f"payload is not what this type takes: {complaint.replace('`$', '`payload')}"


def _step(part: int | str) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{part}"


def _pydantic_schema(model: Any) -> bytes:
    return msgspec.json.encode(model.model_json_schema())


def _schema(annotation: Any) -> bytes:
    try:
        return msgspec.json.encode(msgspec.json.schema(annotation))
    except TypeError as error:
        raise CrewError(f"no JSON Schema for {annotation!r}: {error}") from error
