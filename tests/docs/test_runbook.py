"""Every command of the runbook for alerts works on a database that the pages take for granted."""

from __future__ import annotations

import shlex

import pytest

from rig.programs import run
from tests.docs.pages import ROOT, blocks

COMMANDS = [
    line
    for block in blocks("sh")
    if block.page == ROOT / "docs" / "runbook.md"
    for line in block.text.splitlines()
]


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_the_command_works(command: str, furnished_url: str) -> None:
    program, *words = shlex.split(command)
    assert program == "rowcrew"
    done = run(*words, DATABASE_URL=furnished_url)
    assert done.returncode == 0, done.stderr
