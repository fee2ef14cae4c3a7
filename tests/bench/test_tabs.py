"""The tabs beside a drain: a figure is told only when all of them were answered to the end."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import pytest

from benchmarks import web
from rig.http_place import Reply, Request, served
from rig.waiting import eventually
from rowcrew.model.errors import RowcrewError


@pytest.mark.parametrize(
    ("status", "ends"),
    [(200, nullcontext()), (503, pytest.raises(RowcrewError, match=r"3 of 3 clients .* with 503"))],
)
def test_tabs_that_are_not_answered_make_no_figure(status: int, ends: AbstractContextManager[object]) -> None:
    asked: list[str] = []

    def answer(request: Request) -> Reply:
        asked.append(request.path)
        return Reply(status, {})

    with served(answer) as address, ends, web.open_tabs(int(address.rpartition(":")[2]), ["/", "/why"], 2):
        eventually(lambda: len(asked) >= 2)
