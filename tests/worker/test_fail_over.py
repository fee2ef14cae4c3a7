"""A stand-by that has fallen behind is promoted while a worker runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.ports import free_port
from rig.proxy import Proxy
from rig.standby import StandBy
from rig.table import Table
from rowcrew.embedded import EmbeddedPostgres
from rowcrew.table import migrate


@pytest.fixture
def primary() -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(durable=False, port=free_port()) as primary:
        migrate.migrate(primary.url)
        yield primary


def test_what_a_promoted_stand_by_has_not_heard_of_is_told_and_runs_again(
    primary: EmbeddedPostgres, start_worker: StartWorker, journal: Journal, gate: Gate
) -> None:
    before = Table(primary.url)
    with StandBy(primary) as stand_by, Proxy(primary.tcp_url_of("postgres")) as proxy:
        worker = start_worker(url=proxy.url, WORKER_HEARTBEAT_INTERVAL=1, POLL_INTERVAL=0.5).ready()
        kept = before.enqueue("tick")
        before.until(kept, "completed")
        running = [before.enqueue("hold", {"gate": gate.path}) for _ in range(2)]
        journal.has("start", times=3)
        stand_by.fall_behind()
        unheard_of = before.enqueue("tick")
        gate.open()
        for job in (*running, unheard_of):
            worker.said("job.completed", job_id=job)
        before.close()
        stand_by.promote()
        proxy.lead_to(stand_by.server.tcp_url_of("postgres"))
        told = worker.said("database.turned_back")
        assert (told["turned_back"], told["again"], told["gone"]) == (3, 2, 1)
        assert "timeline 2 follows 1" in told["message"]
        after = Table(stand_by.server.url)
        for job in running:
            assert after.until(job, "completed")["attempts"] == 1
            assert len(journal.entries("start", job=job)) == 2
        assert len(journal.entries("start", job=kept)) == 1
        assert after.rows("SELECT 1 FROM jobs WHERE id = %s", unheard_of) == []
        after.until(after.enqueue("noop"), "completed")
        assert worker.stop() == 0
        after.close()
