"""Every Python block that a page shows runs as it stands, against a migrated database."""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rowcrew.model.outcome import Cancelled, Completed, Errored, Snoozed
from rowcrew.testing import run_handler
from tests.docs.pages import Block, block_marked, blocks

# Parts of a program that has other files too: tests/clients runs these.
EXAMPLES = [block for block in blocks("python") if block.marked("part of") is None]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, database_url: str, tmp_path: Path) -> Iterator[types.ModuleType]:
    """A module to run blocks in, as a reader's file would be one, with the README's app.py and settings."""
    (tmp_path / "app.py").write_text(block_marked("file", "app.py").text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "app", raising=False)
    monkeypatch.setenv("DATABASE_URL", database_url)
    for setting in ("S3_BUCKET_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(setting, "example")
    module = types.ModuleType("an_example_of_the_docs")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def run(block: Block, module: types.ModuleType) -> dict[str, Any]:
    source = f"{block.marked('given') or ''}\n{block.text}"
    code = compile(source, str(block), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    result = eval(code, module.__dict__)
    if inspect.iscoroutine(result):
        asyncio.run(result)
    return module.__dict__


def block_with(text: str) -> Block:
    [block] = [block for block in EXAMPLES if text in block.text]
    return block


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_the_block_runs(block: Block, module: types.ModuleType) -> None:
    run(block, module)


def test_the_handler_with_children_goes_on_from_its_checkpoint(module: types.ModuleType) -> None:
    crew = run(block_with('crew.job("import_all")'), module)["crew"]
    ran = run_handler(crew, "import_all", {"accounts": [7, 8, 9]}, attempt=2, checkpoint=1)
    assert ran.result == {"accounts": 3}
    assert [child.payload for child in ran.children] == [{"account": 8}, {"account": 9}]
    assert ran.checkpoints == [2, 3]


def test_the_handler_with_a_transaction_commits_when_it_returns(
    module: types.ModuleType, database_url: str
) -> None:
    crew = run(block_with('crew.job("book")'), module)["crew"]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE ledger (entry bigint, amount bigint)")
        run_handler(crew, "book", {"entry": 1, "amount": 5}, database_url=database_url)
        assert connection.execute("SELECT entry, amount FROM ledger").fetchall() == [(1, 5)]


def test_the_handler_with_other_ends_ends_so(module: types.ModuleType) -> None:
    names = run(block_with('crew.job("render")'), module)

    def outcome(**payload: Any) -> Any:
        return run_handler(names["crew"], "render", payload).outcome

    assert outcome(document=1, stage="draft") == Cancelled("drafts are not rendered")
    assert outcome(document=1, stage="locked") == Snoozed(60)
    match outcome(document=-1):
        case Errored(permanent=True):
            pass
        case other:
            pytest.fail(f"{other}")
    assert isinstance(outcome(document=1), Completed)

    def busy(_document: int) -> int:
        raise names["Busy"]

    names["provider"].render = busy
    match outcome(document=1):
        case Errored(permanent=False, after_seconds=30.0):
            pass
        case other:
            pytest.fail(f"{other}")
