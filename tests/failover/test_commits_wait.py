"""A synchronous stand-by is gone: commits wait, and who gives up leaves a session behind."""

from __future__ import annotations

import pytest

from rig.fixtures import StartWorker
from rig.standby import StandBy
from rig.table import Table
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table.hosts import CommitsWait
from rowcrew.table.link import Link
from rowcrew.table.opening import DeadlineOver


@pytest.mark.anyio
async def test_what_is_tried_again_leaves_one_session_behind_and_not_one_each_time(
    primary: EmbeddedPostgres, stand_by: StandBy
) -> None:
    stand_by.become_synchronous()
    link = Link(primary.url, purpose="test")
    await link.open()
    stand_by.server.halt("immediate")
    with pytest.raises(DeadlineOver):
        await link.fetch("CREATE TABLE made ()", {}, 0.5)
    for _ in range(5):
        with pytest.raises(CommitsWait, match="commits wait for a synchronous stand-by"):
            await link.fetch("SELECT 1", {}, 0.5)
    sessions = Table(primary.url)
    left = sessions.rows("SELECT wait_event FROM pg_stat_activity WHERE application_name = 'rowcrew test'")
    assert left == [{"wait_event": "SyncRep"}]
    stand_by.server.resume()
    stand_by.caught_up()
    assert await link.fetch("SELECT 1", {}) == [(1,)]
    await link.close()
    sessions.close()


def test_a_worker_says_what_it_waits_for_and_goes_on_with_the_stand_by(
    primary: EmbeddedPostgres, stand_by: StandBy, start_worker: StartWorker
) -> None:
    worker = start_worker(url=primary.url, POLL_INTERVAL=0.5, WORKER_HEARTBEAT_INTERVAL=1).ready()
    stand_by.become_synchronous()
    stand_by.server.halt("immediate")
    told = worker.said("database.lost", purpose="heartbeat", reason="commits wait for a synchronous stand-by")
    assert told["level"] == "warning"
    stand_by.server.resume()
    worker.said("database.back", purpose="heartbeat")
    table = Table(primary.url)
    table.until(table.enqueue("noop"), "completed")
    assert worker.stop() == 0
    table.close()
