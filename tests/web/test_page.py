"""What the page of the web says can be done: its commands are given as they stand there."""

from __future__ import annotations

import subprocess

import pytest

from tests.docs.pages import ROOT, blocks
from tests.web.conftest import Web

COMMANDS = [
    line
    for block in blocks("sh")
    if block.page == ROOT / "docs" / "web.md"
    for line in block.text.splitlines()
    if line.startswith("curl")
]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_of_the_page_is_answered(web: Web, command: str) -> None:
    web.enqueue("of-the-page")
    here = command.replace("127.0.0.1:8000", f"127.0.0.1:{web.port}").replace("curl -s", "curl -sf", 1)
    done = subprocess.run(["bash", "-c", here], capture_output=True, text=True, timeout=60)
    is_cut_short = done.returncode == 28  # a stream goes on until curl has had enough
    assert done.returncode == 0 or is_cut_short, done.stderr
    assert done.stdout
