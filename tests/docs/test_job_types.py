"""The page of the bundled types has each type that workers publish, and each field of its payload."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from rowcrew.admin.queues import list_types, show_type
from rowcrew.bundled import crew
from rowcrew.control.publish import publish
from rowcrew.table.link import Link
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "job-types.md").read_text()
SECTIONS = {
    heading.lower().replace(" ", "-"): text
    for heading, text in re.findall(r"^##+ (.+)\n((?:(?!^##+ ).*\n?)*)", PAGE, re.MULTILINE)
}


def told(section: str) -> str:
    """The section, and those of this page that it sends its readers to."""
    text, left = "", [section]
    while left:
        name = left.pop()
        if SECTIONS[name] not in text:
            text += SECTIONS[name]
            left += re.findall(r"\]\(#([\w-]+)\)", SECTIONS[name])
    return text


def fields(schema: Any) -> Iterator[str]:
    """The names of all fields in a JSON Schema, those of nested objects too."""
    if isinstance(schema, dict):
        if isinstance(properties := schema.get("properties"), dict):
            yield from properties
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from fields(part)


def undocumented(type: str, schema: bytes) -> list[str]:
    [section] = re.findall(rf"^\| \[`{type}`\]\(#([\w-]+)\) \|", PAGE, re.MULTILINE)
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", told(section)))))
    return [f"{type}: {field}" for field in fields(json.loads(schema)) if field not in words]


@pytest.mark.anyio
async def test_the_page_has_every_type_that_types_list_gives_and_every_field_of_its_payload(
    database_url: str,
) -> None:
    link = Link(database_url, purpose="docs")
    await publish(link, crew.manifest(), crew="rowcrew.bundled:crew")
    types = [listed.type for listed in await list_types(link)]
    shown = [await show_type(link, type) for type in types]
    await link.close()
    assert sorted(re.findall(r"^\| \[`(\w+)`\]\(#", PAGE, re.MULTILINE)) == types
    missing = [undocumented(one.type, bytes(one.payload_schema or b"")) for one in shown if one is not None]
    assert missing == [[]] * len(types)
