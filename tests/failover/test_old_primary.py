"""A primary that was replaced comes back, and takes writes as before."""

from __future__ import annotations

import json

import pytest

from rig.fixtures import StartWorker
from rig.programs import run
from rig.standby import StandBy
from rig.table import Table
from rig.waiting import eventually
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table.hosts import OldPrimary, Timelines
from rowcrew.table.link import Link


def test_a_worker_keeps_to_the_newer_primary_and_says_that_an_old_one_is_back(
    primary: EmbeddedPostgres, stand_by: StandBy, start_worker: StartWorker
) -> None:
    worker = start_worker(url=stand_by.url_of_both, POLL_INTERVAL=0.5).ready()
    primary.halt("immediate")
    stand_by.promote()
    after = Table(stand_by.server.url)
    after.until(after.enqueue("noop"), "completed")

    primary.resume()
    after.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'rowcrew %%'"
    )
    told = worker.said("database.old_primary")
    assert (told["timeline"], told["newest"]) == ("1", "2")
    after.until(after.enqueue("noop"), "completed")
    old = Table(primary.url)
    eventually(lambda: old.connections_of_workers() == [])
    assert worker.stop() == 0
    after.close()
    old.close()


@pytest.mark.anyio
async def test_where_no_other_host_is_named_an_old_primary_is_refused(
    primary: EmbeddedPostgres, stand_by: StandBy
) -> None:
    primary.halt("immediate")
    stand_by.promote()
    told: list[object] = []
    timelines = Timelines(told.append)
    link = Link(stand_by.url_of_both, purpose="test", timelines=timelines)
    await link.open()
    await link.close()
    primary.resume()
    alone = Link(primary.tcp_url_of("postgres"), purpose="test", timelines=timelines)
    for _ in range(2):
        with pytest.raises(OldPrimary, match="timeline 1, and 2 has begun"):
            await alone.open()
    assert len(told) == 1
    await alone.close()


def test_the_doctor_looks_at_every_host_and_tells_of_two_that_take_writes(
    primary: EmbeddedPostgres, stand_by: StandBy
) -> None:
    def hosts() -> dict[str, str]:
        ended = run("doctor", "--json", DATABASE_URL=stand_by.url_of_both)
        checks = map(json.loads, ended.stdout.splitlines())
        (found,) = [check for check in checks if check["name"] == "hosts"]
        return {key: found[key] for key in ("result", "what")}

    followed = hosts()
    assert followed["result"] == "ok"
    assert "takes writes, timeline 1), " in followed["what"]
    assert followed["what"].endswith("(a stand-by)")
    primary.halt("immediate")
    stand_by.promote()
    assert hosts()["result"] == "warning"
    primary.resume()
    split = hosts()
    assert split["result"] == "failed"
    assert split["what"].startswith("more than one takes writes: ")
