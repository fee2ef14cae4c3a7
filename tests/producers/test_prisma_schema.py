"""examples/node-backend/schema.prisma is the table that the migrations make, column by column.

Prisma's own program, which tests/clients runs, does not compare a model with a table; the schema is read here
as far as it goes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import Connect

pytestmark = pytest.mark.long

SCHEMA = Path(__file__).parents[2] / "examples" / "node-backend" / "schema.prisma"

# Prisma's scalar with its native attribute, as PostgreSQL names the type.
TYPES = {
    "BigInt": "bigint",
    "BigInt[]": "ARRAY",  # a list of Prisma's may be NULL, and reads as an empty one
    "Boolean": "boolean",
    "Int": "integer",
    "Int @db.SmallInt": "smallint",
    "String": "text",
    "String @db.Uuid": "uuid",
    "Json": "jsonb",
    "DateTime @db.Timestamptz": "timestamp with time zone",
}


class Column(NamedTuple):
    name: str
    type: str
    nullable: bool
    default: str | None


def columns_of_the_model() -> list[Column]:
    model = re.search(r"^model Job \{\n(.*?)^\}", SCHEMA.read_text(), re.MULTILINE | re.DOTALL)
    assert model is not None
    lines = (line.strip() for line in model[1].splitlines())
    return [column(line) for line in lines if line and not line.startswith(("//", "@@"))]


def column(line: str) -> Column:
    name, scalar, attributes = re.fullmatch(r"(\w+)\s+(\w+(?:\?|\[\])?)\s*(.*)", line).groups()  # type: ignore[union-attr]
    native = re.search(r"@db\.\w+", attributes)
    type = f"{scalar.rstrip('?')} {native[0]}" if native else scalar.rstrip("?")
    default = re.search(r"@default\((.*)\)(?: @|$)", attributes)
    return Column(name, TYPES[type], scalar.endswith(("?", "[]")), default[1] if default else None)


def columns_of_the_table(connect: Connect) -> list[Column]:
    rows = connect().execute(
        """
        SELECT column_name, data_type, is_nullable = 'YES',
               CASE is_identity WHEN 'YES' THEN 'autoincrement()' ELSE column_default END
          FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name = 'jobs' ORDER BY ordinal_position
        """
    )
    return [Column(name, type, nullable, prismas(default)) for name, type, nullable, default in rows]


def prismas(default: str | None) -> str | None:
    """A column's default as Prisma writes it: constants as such, the database's clock by dbgenerated."""
    if default is None or default == "autoincrement()":
        return default
    if default == "now()":
        return 'dbgenerated("now()")'
    text = re.fullmatch(r"'(.*)'::\w+", default)
    return f'"{text[1]}"' if text else default


def test_the_model_has_the_tables_columns_types_and_defaults(connect: Connect) -> None:
    assert columns_of_the_model() == columns_of_the_table(connect)


def test_the_model_is_mapped_to_the_table() -> None:
    assert '@@map("jobs")' in SCHEMA.read_text()
    assert "@updatedAt" not in re.sub(r"//.*", "", SCHEMA.read_text())
