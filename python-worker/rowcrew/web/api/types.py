"""Types over HTTP: what workers have published, with the JSON Schema of each payload."""

from __future__ import annotations

from typing import Final

import msgspec

from rowcrew.admin import queues as admin
from rowcrew.admin.pace import paces
from rowcrew.model.pace import Pace
from rowcrew.table.link import Link
from rowcrew.table.rows import ListedType, PublishedType
from rowcrew.web.api.operation import Answer, Given, Operation
from rowcrew.web.problems import Refused


class TypeList(msgspec.Struct, frozen=True):
    """The types by name."""

    types: list[ListedType]


class TypeDocument(PublishedType, frozen=True):
    """A type, the JSON Schema of its payload, and how its jobs did.

    Attributes:
        within: the last five minutes, the last hour, the last day.
    """

    within: list[Pace]


async def list_types(link: Link, _: Given) -> Answer:
    return Answer(TypeList(await admin.list_types(link)))


async def show_type(link: Link, given: Given) -> Answer:
    name = given.path["type"]
    shown = await admin.show_type(link, name)
    if shown is None:
        raise Refused(404, f"no worker has published a type {name!r}; see GET /api/v1/types", field="type")
    return Answer(TypeDocument(**msgspec.structs.asdict(shown), within=await paces(link, type=name)))


OPERATIONS: Final = (
    Operation("GET", "/types", "listTypes", "List the published types.", list_types, TypeList),
    Operation("GET", "/types/{type}", "showType", "Show a type.", show_type, TypeDocument, problems=(404,)),
)
