"""What handlers print, when nobody reads it or nobody is there to."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from rig.fixtures import StartWorker
from rig.table import Table

CREW = "crew_of_a_program:crew"
WAYS = ["prints_each_way", "prints_each_way_in_thread"]


class Pipe(NamedTuple):
    """Both ends."""

    reading: int
    writing: int


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe(*os.pipe())
    yield pipe
    for end in pipe:
        try:
            os.close(end)
        except OSError:
            continue


def test_where_the_locale_lacks_utf_8_each_line_is_json_all_the_same(
    start_worker: StartWorker, table: Table
) -> None:
    narrow = {"LC_ALL": "C", "PYTHONUTF8": 0, "PYTHONCOERCECLOCALE": 0}
    worker = start_worker(crew=CREW, **narrow).ready()
    table.until(table.enqueue("logs", {"text": "Übung ✅ 😀"}), "completed")
    assert worker.said("handler.log")["message"] == "Übung ✅ 😀"
    assert worker.heard("other") == []


@pytest.mark.parametrize("type", WAYS)
def test_a_reader_that_is_gone_fails_no_job(
    start_worker: StartWorker, table: Table, pipe: Pipe, type: str
) -> None:
    start_worker(crew=CREW, output=pipe.writing)
    table.until(table.enqueue("noop"), "completed")
    os.close(pipe.reading)
    job = table.enqueue(type, {"text": "to nobody"})
    assert table.until(job)["errorMessage"] is None
    assert table.row(job)["status"] == "completed"


@pytest.mark.parametrize("type", WAYS)
def test_a_pipe_that_nobody_reads_holds_up_neither_the_job_nor_its_neighbours(
    start_worker: StartWorker, table: Table, pipe: Pipe, type: str
) -> None:
    worker = start_worker(crew=CREW, output=pipe.writing, WORKER_CONCURRENCY=4)
    os.close(pipe.writing)
    jobs = [table.enqueue(type, {"text": "x" * 1_000, "lines": 2_000}) for _ in range(2)]
    jobs += [table.enqueue("noop") for _ in range(20)]
    for job in jobs:
        assert table.until(job)["status"] == "completed"
        assert table.row(job)["attempts"] == 1
    read: list[str] = []
    with os.fdopen(os.dup(pipe.reading), encoding="utf-8", errors="replace") as stream:
        reader = threading.Thread(target=lambda: read.extend(stream))
        reader.start()
        assert worker.stop() == 0
        reader.join()
    dropped = [json.loads(line)["lines"] for line in read if '"log.dropped"' in line]
    printed = sum("x" * 1_000 in line for line in read)
    assert dropped
    assert printed < 2 * 5 * 2_000
