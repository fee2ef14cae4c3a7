"""No file of control knows, even by way of others, a file that knows it."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

CONTROL = Path(__file__).parents[2] / "python-worker" / "rowcrew" / "control"


def imports(file: Path) -> set[str]:
    """Also those under TYPE_CHECKING and inside functions."""
    tree = ast.walk(ast.parse(file.read_text()))
    return {node.module for node in tree if isinstance(node, ast.ImportFrom) and node.module}


def test_control_has_no_import_circle() -> None:
    graph = {}
    for file in CONTROL.rglob("*.py"):
        name = ".".join(["rowcrew.control", *file.relative_to(CONTROL).with_suffix("").parts])
        graph[name] = {module for module in imports(file) if module.startswith("rowcrew.control")}
    assert "rowcrew.control.care.fence" in graph["rowcrew.control.road.reserve"]
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle
