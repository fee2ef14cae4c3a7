"""The wall around a family: what it may import, whose tables its SQL may name, and that it says so itself."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from rowcrew.family import QUEUE_TABLES, Family, bundled
from rowcrew.table import migrate, schema

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "python-worker" / "rowcrew"
FAMILIES = {family.name: family for family in bundled()}
PUBLIC = {
    "rowcrew",
    "rowcrew.addresses",
    "rowcrew.client",
    "rowcrew.context",
    "rowcrew.crew",
    "rowcrew.family",
    "rowcrew.model_server",
    "rowcrew.payload",
    "rowcrew.settings.family",
    "rowcrew.settings.readers",
    "rowcrew.settings.variables",
    "rowcrew.sql",
    "rowcrew.testing",
}
# The demo plays a backend, which knows both.
QUEUE_SQL = [path for path in PACKAGE.glob("table/sql/**/*.sql") if path.parent.name != "demo"]

each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)


def folder(family: Family) -> Path:
    return PACKAGE / "bundled" / family.name


def imported(family: Family) -> Iterator[tuple[str, str]]:
    """Every module of Rowcrew that a file of the family imports, with the file's name."""
    for path in sorted(folder(family).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.ImportFrom(module=str(module), names=names) if module.split(".")[0] == "rowcrew":
                    for name in names:
                        is_module = (PACKAGE.parent / module.replace(".", "/") / name.name).with_suffix(".py")
                        yield path.name, f"{module}.{name.name}" if is_module.exists() else module
                case ast.Import(names=names):
                    yield from ((path.name, name.name) for name in names if name.name.startswith("rowcrew"))


def sibling(module: str) -> str | None:
    parts = module.split(".")
    return parts[2] if parts[:2] == ["rowcrew", "bundled"] and len(parts) > 2 else None


def named_tables(text: str) -> set[str]:
    every = QUEUE_TABLES.union(*(family.tables for family in FAMILIES.values()))
    statement = re.sub(r"--.*", "", text)
    after = re.findall(r'(?:\bFROM|\bJOIN|\bINTO|\bUPDATE|\bUSING)\s+(?:ONLY\s+)?"?(\w+)"?', statement)
    return set(after) & every


def test_every_folder_of_job_types_is_a_family_of_its_name() -> None:
    folders = {path.name for path in (PACKAGE / "bundled").iterdir() if (path / "__init__.py").exists()}
    assert folders == set(FAMILIES)
    assert {name: family.package for name, family in FAMILIES.items()} == {
        name: f"rowcrew.bundled.{name}" for name in folders
    }


@each_family
def test_a_family_imports_public_modules_and_the_families_that_it_declares(family: Family) -> None:
    refused = [
        f"{file}: {module}"
        for file, module in imported(family)
        if module not in PUBLIC and sibling(module) not in {family.name, *family.uses}
    ]
    assert refused == []


@each_family
def test_a_family_declares_no_family_that_it_does_not_import(family: Family) -> None:
    siblings = {sibling(module) for _, module in imported(family)} - {None, family.name}
    assert siblings == set(family.uses)


def test_the_contract_of_imports_excepts_what_families_declare_and_nothing_else() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [contract] = [one for one in contracts if one["type"] == "independence"]
    assert contract["modules"] == [family.package for family in FAMILIES.values()]
    assert set(contract["ignore_imports"]) == {
        f"rowcrew.bundled.{name}.** -> rowcrew.bundled.{used}.**"
        for name, family in FAMILIES.items()
        for used in family.uses
    }


@each_family
def test_the_sql_of_a_family_is_about_its_own_tables(family: Family) -> None:
    for path in folder(family).rglob("sql/**/*.sql"):
        assert named_tables(path.read_text()) <= set(family.tables), path.name


def test_the_sql_of_the_queue_knows_no_table_of_a_family() -> None:
    assert len(QUEUE_SQL) > 40
    for path in QUEUE_SQL:
        assert named_tables(path.read_text()) <= QUEUE_TABLES, path.name


def test_the_tables_that_are_declared_are_all_and_each_belongs_to_one() -> None:
    declared = [set(metadata.tables) for metadata in migrate.declared()]
    assert declared == [
        set(schema.metadata.tables),
        *(set(family.tables) for family in FAMILIES.values() if family.metadata),
    ]
    assert declared[0] | {"alembic_version", "rowcrew_migrations"} == QUEUE_TABLES
    assert [family.name for family in FAMILIES.values() if family.tables and not family.metadata] == []


def test_the_migrations_of_a_family_are_a_branch_with_its_name() -> None:
    scripts = ScriptDirectory.from_config(migrate.alembic_config("postgresql://nobody@nowhere/none"))
    bases = {base: scripts.get_revision(base).branch_labels for base in scripts.get_bases()}
    expected = {f"{name}_0001": {name} for name, family in FAMILIES.items() if family.migrations}
    assert bases == {"0001": {"queue"}, **expected}
    for revision in scripts.walk_revisions():
        place = Path(revision.path)
        owner = place.parts[-3] + "_" if place.is_relative_to(PACKAGE / "bundled") else ""
        assert re.fullmatch(f"{owner}[0-9]{{4}}", revision.revision), place
