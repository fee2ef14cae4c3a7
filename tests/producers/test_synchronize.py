"""Tools that bring tables into line with a model of theirs: what they drop is named and put back."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from rig.npm import NODE_IS_THERE, npm_installed
from rowcrew.table.repair import found_differences, repair
from rowcrew.table.shape import shapes
from tests.conftest import Connect
from tests.contract.hands import insert, one

pytestmark = pytest.mark.long

NODE = Path(__file__).parent / "node"


@pytest.mark.skipif(not NODE_IS_THERE, reason="NOT TESTED: Node and npm are not installed")
def test_what_typeorm_drops_when_it_synchronizes_is_put_back(tcp_database_url: str, connect: Connect) -> None:
    insert(connect(), uniqueKey="k")
    program = npm_installed(NODE) / "synchronize.mjs"
    shutil.copy(NODE / program.name, program)
    subprocess.run(["node", str(program), tcp_database_url], check=True, capture_output=True, timeout=60)
    dropped = {part.expected.name for part in found_differences(tcp_database_url) if part.expected}
    queue = next(shapes()).parts
    of_jobs = {
        part.name for part in queue if part.relation == "jobs" and part.kind in ("constraint", "index")
    }
    assert dropped == of_jobs - {"jobs_pkey"}
    assert {done.refused for done in repair(tcp_database_url)} == {None}
    assert found_differences(tcp_database_url) == []
    assert one(connect(), """SELECT "uniqueKey" FROM jobs""") == ("k",)
