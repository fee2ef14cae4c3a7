"""Which module imports which, computed from the source: no circle, no arrow from a lower room to a higher.

import-linter checks the rooms when it is asked to; this also looks at single modules, at imports inside
functions and at those made for type checkers only, since a reader follows them all.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "python-worker" / "rowcrew"
Imports = Mapping[str, set[str]]


def module_name(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def named_in(tree: ast.Module) -> Iterator[str]:
    """Every dotted name that an import statement of the module, at any depth, may mean."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def imports_of(package: Path) -> Imports:
    """Each module of a package with the modules of that package that it imports."""
    trees = {module_name(path, package): ast.parse(path.read_text()) for path in package.rglob("*.py")}

    def owner(name: str) -> str | None:
        """The module that a dotted name leads to: itself, or the one that defines it."""
        while name and name not in trees:
            name = name.rpartition(".")[0]
        return name or None

    return {
        name: {found for dotted in named_in(tree) if (found := owner(dotted)) not in (None, name)}
        for name, tree in trees.items()
    }


def circle(imports: Imports) -> list[str]:
    """Modules each of which imports the one before it, from one back to itself; empty where there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def layers() -> list[set[str]]:
    """The rooms of each layer as the import contract has them, the highest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [contract] = [contract for contract in contracts if contract["type"] == "layers"]
    return [set(layer.replace("|", ":").replace(" ", "").split(":")) for layer in contract["layers"]]


def arrows_up(imports: Imports, heights: Mapping[str, int]) -> list[str]:
    """Imports that lead to a room of a higher layer; `heights` counts layers from the highest, 0."""

    def room(module: str) -> str:
        return module.partition(".")[2].partition(".")[0]

    return [
        f"{module} -> {other}"
        for module, others in sorted(imports.items())
        for other in sorted(others)
        if room(module) and room(other) and heights[room(other)] < heights[room(module)]
    ]


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(imports_of(PACKAGE)) == []


def test_no_module_imports_from_a_room_above_its_own() -> None:
    heights = {room: height for height, rooms in enumerate(layers()) for room in rooms}
    assert arrows_up(imports_of(PACKAGE), heights) == []


def test_a_circle_of_three_is_found_also_through_a_function_and_a_type_checkers_import(
    tmp_path: Path,
) -> None:
    package = tmp_path / "house"
    (package / "low").mkdir(parents=True)
    for name, text in {
        "__init__": "",
        "a": "from house.low import b",
        "low/__init__": "",
        "low/b": "def later():\n    from house import c",
        "c": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.a import Thing",
        "d": "import house.a",
    }.items():
        (package / f"{name}.py").write_text(text)
    assert set(circle(imports_of(package))) == {"house.a", "house.c", "house.low.b"}


def test_an_arrow_up_is_found(tmp_path: Path) -> None:
    package = tmp_path / "house"
    (package / "low").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "high.py").write_text("from house.low import stone")
    (package / "low" / "__init__.py").touch()
    (package / "low" / "stone.py").write_text("def roof():\n    import house.high")
    found = arrows_up(imports_of(package), {"high": 0, "low": 1})
    assert found == ["house.low.stone -> house.high"]
