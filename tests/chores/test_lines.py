"""Lines go with their jobs, whoever deletes these; and a job that says much keeps the first and the last."""

from __future__ import annotations

import io
import json

import pytest

from rowcrew import settings
from rowcrew.control.chores.lines import SweepLines
from rowcrew.control.chores.prune import Prune
from rowcrew.log import Log
from rowcrew.table import job_lines
from rowcrew.table.link import Link
from tests.conftest import Connect

pytestmark = pytest.mark.anyio


def insert(connect: Connect, *texts: str, age: str = "1 day", dropped: int = 0) -> int:
    """A completed job that has said this, each text a row; its id."""
    rows = connect().execute(
        """INSERT INTO jobs (type, status, "finishedAt") VALUES ('x', 'completed', now() - %s::interval)
           RETURNING id""",
        (age,),
    )
    id = int(rows.fetchall()[0][0])
    for text in texts:
        connect().execute(
            """INSERT INTO job_logs ("jobId", attempt, lines, dropped, text) VALUES (%s, 1, %s, %s, %s)""",
            (id, text.count("\n") + 1, dropped, text),
        )
    return id


def said(connect: Connect, job: int) -> list[tuple[str, int]]:
    rows = connect().execute('SELECT text, dropped FROM job_logs WHERE "jobId" = %s ORDER BY id', (job,))
    return rows.fetchall()


@pytest.mark.parametrize("how", ["age", "count"])
async def test_pruned_jobs_take_their_lines_along(database_url: str, connect: Connect, how: str) -> None:
    kept = insert(connect, "kept", age="1 day")
    gone = insert(connect, "gone", age="8 days" if how == "age" else "1 day")
    if how == "count":
        kept, gone = gone, kept
        connect().execute("""INSERT INTO queues (queue, "keepCompletedCount") VALUES ('default', 1)""")
    link = Link(database_url, purpose="prune")
    values = settings.read({"DATABASE_URL": database_url})
    assert await Prune(link=link, settings=values, log=Log("text", io.StringIO())).everything() == 1
    await link.close()
    assert (said(connect, gone), len(said(connect, kept))) == ([], 1)


async def test_lines_of_jobs_that_were_deleted_by_hand_are_swept(database_url: str, connect: Connect) -> None:
    kept, gone = insert(connect, "kept"), insert(connect, "a", "b", "c")
    connect().execute("DELETE FROM jobs WHERE id = %s", (gone,))
    link = Link(database_url, purpose="prune")
    await SweepLines(link=link).once()
    assert (said(connect, gone), len(said(connect, kept))) == ([], 1)
    assert await job_lines.sweep_lines(link, after=kept, batch=10) == (None, 0)
    await link.close()


async def keep(
    link: Link, *pieces: tuple[int, str, int], most_bytes: int, most_lines: int = 100
) -> list[int]:
    document = json.dumps(
        [
            {
                "job": job,
                "attempt": 1,
                "age": 1.5,
                "lines": text.count("\n") + 1,
                "dropped": gap,
                "text": text,
            }
            for job, text, gap in pieces
        ]
    )
    return await job_lines.keep_lines(link, pieces=document, most_bytes=most_bytes, most_lines=most_lines)


async def test_the_middle_goes_when_a_job_has_more_than_it_may_and_the_next_row_counts_it(
    database_url: str, connect: Connect
) -> None:
    job, other = insert(connect), insert(connect, "other")
    link = Link(database_url, purpose="lines")
    for number in range(10):
        crowded = await keep(link, (job, f"{number}" * 10, 1 if number == 4 else 0), most_bytes=80)
    assert crowded == [job]
    await job_lines.trim_lines(link, jobs=crowded, most_bytes=80, most_lines=100)
    # A quarter of 80 bytes are the first two rows, a half of them the last four.
    assert said(connect, job) == [
        *[(f"{number}" * 10, 0) for number in (0, 1)],
        ("6666666666", 5),
        *[(f"{number}" * 10, 0) for number in (7, 8, 9)],
    ]
    await keep(link, *[(job, "x" * 10, 0) for _ in range(4)], most_bytes=80)
    await job_lines.trim_lines(link, jobs=[job], most_bytes=80, most_lines=100)
    assert sum(gap for _, gap in said(connect, job)) == 9
    assert len(said(connect, other)) == 1
    await link.close()


async def test_many_short_lines_are_too_many_as_well(database_url: str, connect: Connect) -> None:
    job = insert(connect)
    link = Link(database_url, purpose="lines")
    await keep(link, *[(job, "", 0) for _ in range(30)], most_bytes=1_000, most_lines=20)
    assert await keep(link, (job, "", 0), most_bytes=1_000, most_lines=20) == [job]
    await job_lines.trim_lines(link, jobs=[job], most_bytes=1_000, most_lines=20)
    kept = said(connect, job)
    assert len(kept) == 15
    assert sum(gap for _, gap in kept) == 16
    await link.close()


async def test_lines_of_a_job_that_is_no_more_are_not_kept(database_url: str, connect: Connect) -> None:
    job = insert(connect)
    link = Link(database_url, purpose="lines")
    assert await keep(link, (job + 1, "nobody's", 0), (job, "mine", 0), most_bytes=100) == []
    assert said(connect, job + 1) == []
    assert said(connect, job) == [("mine", 0)]
    await link.close()
