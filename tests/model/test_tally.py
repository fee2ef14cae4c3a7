"""What a worker counts of its runs."""

from __future__ import annotations

from rowcrew.model.histogram import bucket_of
from rowcrew.model.tally import MOST_ROWS, OTHER_QUEUES, Tally
from tests.model.made import a_job


def test_runs_that_end_alike_are_one_row() -> None:
    tally = Tally()
    tally.ended("completed", [(a_job(wait_seconds=4.0), 0.5), (a_job(queue="mails"), 0.5)])
    tally.ended("completed", [(a_job(wait_seconds=2.0), 0.5)])
    tally.ended("failed", [(a_job(), 3.0)])
    tally.used("default", "model_run", 2**20)
    (first, mails, failed) = tally.take()
    assert (first.queue, first.type, first.outcome, first.count) == ("default", "model_run", "completed", 2)
    assert (first.run_seconds, first.wait_seconds) == (1.0, 6.0)
    assert (first.run_buckets, first.run_counts) == ([bucket_of(0.5)], [2])
    assert dict(zip(first.wait_buckets, first.wait_counts, strict=True)) == {bucket_of(4): 1, bucket_of(2): 1}
    assert (mails.queue, mails.count, failed.outcome, failed.count) == ("mails", 1, "failed", 1)


def test_ends_that_come_together_count_each_for_its_own_queue_and_type() -> None:
    tally = Tally()
    jobs = [a_job(), a_job(queue="mails"), a_job(), a_job(type="mail"), a_job(type="mail")]
    tally.ended("completed", list(zip(jobs, [0.5, 0.5, 0.5, 0.5, None], strict=True)))
    counts = {(row.queue, row.type): (row.count, row.run_seconds) for row in tally.take()}
    assert counts == {
        ("default", "model_run"): (2, 1.0),
        ("mails", "model_run"): (1, 0.5),
        ("default", "mail"): (2, 0.5),
    }


def test_what_was_taken_is_counted_no_more() -> None:
    tally = Tally()
    assert not tally
    tally.ended("completed", [(a_job(), 0.5)])
    assert tally
    assert len(tally.take()) == 1
    assert not tally
    assert tally.take() == []


def test_a_run_that_never_began_counts_and_has_no_times() -> None:
    tally = Tally()
    tally.ended("released", [(a_job(wait_seconds=5.0), None)])
    tally.rescued("default", "model_run")
    released, lost = tally.take()
    assert (released.count, released.run_buckets, released.wait_buckets) == (1, [], [])
    assert (lost.outcome, lost.count, lost.run_seconds) == ("lost", 1, 0.0)


def test_the_highest_memory_is_kept_until_a_run_of_the_type_has_ended() -> None:
    tally = Tally()
    for used in (300, 500, 400):
        tally.used("default", "model_run", used)
    tally.ended("completed", [(a_job(type="mail"), 0.1)])
    assert [row.memory_bytes for row in tally.take()] == [None]
    tally.ended("completed", [(a_job(), 60.0)])
    tally.ended("failed", [(a_job(), 60.0)])
    tally.used("default", "model_run", 450)
    assert [row.memory_bytes for row in tally.take()] == [500, 500]
    tally.ended("completed", [(a_job(), 60.0)])
    assert [row.memory_bytes for row in tally.take()] == [None]


def test_queues_beyond_a_thousand_rows_are_counted_together_and_no_run_is_lost() -> None:
    tally = Tally()
    for number in range(MOST_ROWS + 50):
        tally.ended("completed", [(a_job(queue=f"customer-{number}"), 0.1)])
    rows = tally.take()
    assert len(rows) == MOST_ROWS + 1
    assert sum(row.count for row in rows) == MOST_ROWS + 50
    assert rows[-1].queue == OTHER_QUEUES
