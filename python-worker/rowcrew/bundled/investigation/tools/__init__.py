"""The tools of an investigation: what there is, what a model is told of it, and how a call is carried out.

In: the names that a payload has, and calls of a model. Out: results, also for calls that make no sense: a
model that errs is told so, and goes on. Called by the handler.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from rowcrew.bundled.investigation.conversation import Call, ToolDescription, ToolResult
from rowcrew.bundled.investigation.tools.dependency_analysis import DependencyAnalysis
from rowcrew.bundled.investigation.tools.documents import LiteralSearch, ReadDocument, SemanticSearch
from rowcrew.bundled.investigation.tools.sql_readonly import SqlReadonly
from rowcrew.bundled.investigation.tools.tool import CannotAnswer, Connection, Tool
from rowcrew.bundled.retrieval.library import Library

__all__ = ["Tool", "descriptions", "refused", "tools_of", "used"]


def tools_of(
    names: Iterable[str], connection: Connection, project: str, sql_address: str | None
) -> dict[str, Tool]:
    """The tools of these names; `sql_readonly` only if there is a database for it."""
    library = Library(connection, project)
    every: list[Tool] = [
        SemanticSearch(connection, project),
        LiteralSearch(library),
        ReadDocument(library),
        DependencyAnalysis(library),
    ]
    if sql_address is not None:
        every.append(SqlReadonly(sql_address))
    wanted = frozenset(names)
    return {tool.name: tool for tool in every if tool.name in wanted}


def descriptions(tools: Mapping[str, Tool]) -> list[ToolDescription]:
    """What a model is told of these tools."""
    return [
        ToolDescription(name=name, description=tool.description, schema=_schema(tool.arguments))
        for name, tool in tools.items()
    ]


def _schema(arguments: type[msgspec.Struct]) -> dict[str, Any]:
    _, components = msgspec.json.schema_components([arguments])
    schema = components[arguments.__name__]
    return {key: value for key, value in schema.items() if key not in ("title", "description")}


def used(call: Call, tools: Mapping[str, Tool], connection: Connection) -> ToolResult:
    """What a call gives, or why it gives nothing."""
    try:
        answer = _answer(call, tools)
    except CannotAnswer as error:
        return refused(call, str(error))
    finally:
        connection.rollback()  # a tool reads; whatever it did leaves no trace
    return ToolResult(call_id=call.id, content=msgspec.json.encode(answer).decode())


def refused(call: Call, why: str) -> ToolResult:
    """The result of a call that is not carried out."""
    content = msgspec.json.encode({"error": why}).decode()
    return ToolResult(call_id=call.id, content=content, is_error=True)


def _answer(call: Call, tools: Mapping[str, Tool]) -> Any:
    tool = tools.get(call.tool)
    if tool is None:
        raise CannotAnswer(f"there is no tool of this name; there are {', '.join(tools)}")
    if call.arguments is None:
        raise CannotAnswer("the arguments are no JSON object")
    try:
        arguments = msgspec.convert(call.arguments, tool.arguments)
    except msgspec.ValidationError as error:
        raise CannotAnswer(str(error)) from error
    return tool.use(arguments)
