"""The OpenAPI 3.1 document of the API, made from the operations and the types that check their requests.

In: operations. Out: a document as plain values. Served at /api/v1/openapi.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from rowcrew.installed import VERSION
from rowcrew.web.api.operation import Operation
from rowcrew.web.problems import MEDIA_TYPE, ProblemDocument

_REF: Final = "#/components/schemas/{name}"


def openapi(operations: Iterable[Operation], *, prefix: str) -> dict[str, Any]:
    """The document; paths are below the prefix."""
    offered = list(operations)
    named = [
        ProblemDocument,
        *(kind for one in offered for kind in (one.answer, one.query, one.body) if kind),
    ]
    kinds = list(dict.fromkeys(named))
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    by_kind = dict(zip(kinds, schemas, strict=True))
    queries = {one.query.__name__ for one in offered if one.query}
    paths: dict[str, dict[str, Any]] = {}
    for one in offered:
        described = _operation(one, by_kind, components)
        paths.setdefault(prefix + one.path, {})[one.method.lower()] = described
    shown = {name: schema for name, schema in components.items() if name not in queries}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rowcrew",
            "version": VERSION,
            "description": "Background jobs in PostgreSQL. Bodies have the names of the tables' columns.",
        },
        "paths": paths,
        "security": [{}, {"token": []}],
        "components": {
            "schemas": shown,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Operation, by_kind: Mapping[Any, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": one.name, "summary": one.summary}
    if parameters := list(_parameters(one, components)):
        described["parameters"] = parameters
    if one.body is not None:
        content = {"application/json": {"schema": by_kind[one.body]}}
        described["requestBody"] = {"required": True, "content": content}
    described["responses"] = _responses(one, by_kind)
    return described


def _responses(one: Operation, by_kind: Mapping[Any, Any]) -> dict[str, Any]:
    kind = "text/event-stream" if one.streams else "application/json"
    answered = {kind: {"schema": by_kind[one.answer]}}
    refused = {MEDIA_TYPE: {"schema": by_kind[ProblemDocument]}}
    well = {one.status} | ({200} if one.takes_key else set())
    problems = {*one.problems, 400, 401, 403, 503} | ({412} if one.has_tag and one.method != "GET" else set())
    unchanged = {"304": {"description": "Not Modified"}} if one.has_tag and one.method == "GET" else {}
    nothing_new = {"204": {"description": "The job has ended and all was told"}} if one.streams else {}
    return {
        **{str(status): _response(status, answered) for status in sorted(well)},
        **unchanged,
        **nothing_new,
        **{str(status): _response(status, refused) for status in sorted(problems)},
    }


def _response(status: int, content: dict[str, Any]) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": content}


def _parameters(one: Operation, components: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", one.path):
        schema = {"type": "integer", "minimum": 1} if name == "id" else {"type": "string"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    if one.query is not None:
        for name, schema in components[one.query.__name__]["properties"].items():
            yield {"name": name, "in": "query", "schema": schema}
    if one.has_tag:
        name = "If-None-Match" if one.method == "GET" else "If-Match"
        yield {"name": name, "in": "header", "schema": {"type": "string"}}
    if one.streams:
        yield {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}}
    if one.takes_key:
        key = {"type": "string", "minLength": 1, "maxLength": 255}
        yield {"name": "Idempotency-Key", "in": "header", "schema": key}
        yield {"name": "traceparent", "in": "header", "schema": {"type": "string"}}
