"""Claims that no other test makes and that planted bugs would break; and the plants themselves."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from rig.fixtures import StartWorker
from rig.journal import Gate, Journal
from rig.proxy import Proxy
from rig.table import Table
from rig.waiting import eventually
from rowcrew.table.statements import SQL
from storm.mutations import MUTATIONS, STORMS, Edit, Mutation, catches, edited, planted
from storm.mutations import table as documented
from storm.site import ROOT
from tests.conftest import Connect

FAST = ("what is given back is not refunded", "the rescue does not look at the beats")


def test_a_rescue_takes_no_row_that_was_ended_by_hand(connect: Connect) -> None:
    connection = connect()
    connection.execute("""INSERT INTO workers ("bootId") VALUES (gen_random_uuid())""")
    connection.execute("INSERT INTO jobs (type) VALUES ('noop')")
    connection.execute(
        """
        UPDATE jobs SET status = 'processing', attempts = 1, "workerId" = 1, "leaseId" = gen_random_uuid(),
               revision = revision + 1
        """
    )
    connection.execute("UPDATE jobs SET status = 'cancelled'")
    rescued = connection.execute(
        SQL["worker/rescue"], {"workers": [1], "beats": [0], "only": None}
    ).fetchall()
    assert rescued == []
    assert connection.execute("SELECT status FROM jobs").fetchall() == [("cancelled",)]


def test_heartbeats_go_on_after_a_signal_while_a_run_does(
    start_worker: StartWorker, table: Table, journal: Journal, gate: Gate
) -> None:
    worker = start_worker(WORKER_HEARTBEAT_INTERVAL=0.2).ready()
    table.enqueue("hold", {"gate": gate.path})
    journal.has("start")
    worker.signal(signal.SIGTERM)
    worker.said("worker.stopping")
    (before,) = table.rows("SELECT beats FROM workers")
    eventually(lambda: table.rows("SELECT beats FROM workers")[0]["beats"] > before["beats"] + 2)
    gate.open()
    assert worker.exited() == 0


def test_answers_that_never_come_are_given_up(
    start_worker: StartWorker, table: Table, tcp_database_url: str
) -> None:
    with Proxy(tcp_database_url) as proxy:
        start_worker(url=proxy.url, POLL_INTERVAL=0.1, WORKER_HEARTBEAT_INTERVAL=1).ready()
        proxy.mute()
        eventually(lambda: proxy.swallowed >= 2)
        # Everything passes again, but these answers are lost, and their connections stand open.
        proxy.heal()
        assert table.until(table.enqueue("noop"), "completed", seconds=60)["attempts"] == 1


def test_a_row_that_commits_late_is_found_below_the_floor(start_worker: StartWorker, table: Table) -> None:
    start_worker().ready()
    with table.another() as producer:
        producer.execute("INSERT INTO jobs (type) VALUES ('noop')")
        for _ in range(3):
            table.until(table.enqueue("noop"), "completed")
        producer.commit()
    table.drained(seconds=30)
    assert table.count("completed") == 4


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_every_planted_bug_has_its_place_in_the_code(mutation: Mutation) -> None:
    for edit in mutation.edits:
        edited((ROOT / "python-worker" / "rowcrew" / edit.file).read_text(), edit)
    for catcher in mutation.catchers:
        path, _, name = catcher.partition("::")
        assert catcher in STORMS or f"def {name}(" in (ROOT / path).read_text()


@pytest.mark.parametrize(
    "mutation", [m for m in MUTATIONS if m.name in FAST], ids=lambda mutation: mutation.name
)
def test_a_planted_bug_is_caught(mutation: Mutation) -> None:
    with planted(mutation) as package:
        assert catches(mutation.catchers[0], package)


def test_the_plants_are_what_is_caught_and_not_the_copy() -> None:
    sound = Mutation("no bug", (), ())
    with planted(sound) as package:
        (catcher,) = next(mutation.catchers for mutation in MUTATIONS if mutation.name == FAST[-1])
        assert not catches(catcher, package)


def test_an_edit_that_fits_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="0 times, not once"):
        edited("one", Edit("file", "two", "three"))


def test_the_documented_table_is_that_of_the_plants() -> None:
    page = Path(ROOT / "docs" / "reliability.md").read_text()
    assert "\n".join(documented()) in page
