"""The primary dies while jobs complete, and a synchronous stand-by takes its place."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import suppress
from datetime import datetime

import psycopg

from rig.fixtures import StartWorker
from rig.journal import Journal
from rig.standby import StandBy
from rig.table import Table
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres


class Reader(threading.Thread):
    """Reads which jobs are completed, and since when, until it cannot."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.seen: dict[int, datetime] = {}

    def run(self) -> None:
        completed = """SELECT id, "finishedAt" FROM jobs WHERE status = 'completed'"""
        with suppress(psycopg.Error), psycopg.connect(self._url, autocommit=True) as connection:
            while True:
                self.seen |= dict(connection.execute(completed).fetchall())


def test_no_job_that_somebody_saw_completed_is_lost_and_none_runs_twice_at_once(
    primary: EmbeddedPostgres, stand_by: StandBy, start_worker: StartWorker, journal: Journal
) -> None:
    stand_by.become_synchronous()
    url = stand_by.url_of_both
    workers = [start_worker(url=url, POLL_INTERVAL=0.5).ready() for _ in range(2)]
    enqueued = enqueue_many(url)
    reader = Reader(url)
    reader.start()
    # Nobody but the workers commits from here on: what they do not wait for is on no disk yet.
    eventually(lambda: len(reader.seen) > 300, 60)
    primary.halt("immediate")
    reader.join()
    assert len(reader.seen) < len(enqueued)
    stand_by.promote()

    after = Table(stand_by.server.url)
    after.drained()
    rows = {row["id"]: row for row in after.rows('SELECT id, status, "finishedAt" FROM jobs')}
    assert {rows[id]["status"] for id in enqueued} == {"completed"}
    assert {id: rows[id]["finishedAt"] for id in reader.seen} == reader.seen
    assert overlaps(journal) == []
    for worker in workers:
        assert worker.stop() == 0
        assert worker.heard("database.turned_back") == []
    after.close()


def enqueue_many(url: str) -> list[int]:
    insert = "INSERT INTO jobs (type) SELECT 'rests' FROM generate_series(1, 6000) RETURNING id"
    with psycopg.connect(url, autocommit=True) as connection:
        return [id for (id,) in connection.execute(insert).fetchall()]


def overlaps(journal: Journal) -> list[int]:
    """Jobs of which one run began before another one had ended."""
    running: dict[int, int] = defaultdict(int)
    found = []
    for entry in journal.entries():
        running[entry["job"]] += 1 if entry["what"] == "start" else -1
        if running[entry["job"]] > 1:
            found.append(entry["job"])
    return found


def test_a_primary_cut_off_from_its_promoted_stand_by_is_left_although_it_answers(
    primary: EmbeddedPostgres, stand_by: StandBy, start_worker: StartWorker
) -> None:
    stand_by.become_synchronous()
    worker = start_worker(url=stand_by.url_of_both, WORKER_HEARTBEAT_INTERVAL=1, POLL_INTERVAL=0.5).ready()
    stand_by.fall_behind()
    stand_by.promote()
    after = Table(stand_by.server.url)
    job = after.enqueue("noop")
    assert after.until(job, "completed", seconds=90)["attempts"] == 1
    assert worker.stop() == 0
    after.close()


def test_a_worker_waits_for_a_stand_by_that_is_about_to_be_promoted(
    primary: EmbeddedPostgres, stand_by: StandBy, start_worker: StartWorker
) -> None:
    worker = start_worker(url=stand_by.server.url)
    there = Table(stand_by.server.url)
    eventually(there.connections_of_workers)
    eventually(lambda: there.connections_of_workers() == [])  # it has looked, and will again
    stand_by.promote()
    worker.ready()
    there.until(there.enqueue("noop"), "completed")
    assert worker.stop() == 0
    there.close()
