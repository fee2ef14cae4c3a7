"""Any program that speaks SQL is a producer: each sends the five statements, and a worker obeys."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.producers.conftest import Served
from tests.producers.producers import PRODUCERS, Producer

OPTION = {
    "model": "european_option",
    "spot": 100,
    "strike": 105,
    "rate": 0.05,
    "volatility": 0.2,
    "maturityYears": 1,
    "paths": 1000,
}
CANCEL = "UPDATE jobs SET status = 'cancelled' WHERE id = {id} AND status IN ('queued', 'processing')"
REQUEUE = "UPDATE jobs SET status = 'queued' WHERE id = {id}"
LATER = """UPDATE jobs SET "runAt" = now() + interval '1 hour' WHERE id = {id}"""
NOW = """UPDATE jobs SET "runAt" = now() WHERE id = {id} AND status = 'queued'"""
REPRIORITISE = "UPDATE jobs SET priority = 20 WHERE id = {id} AND status = 'queued'"


@pytest.fixture(params=PRODUCERS, ids=lambda producer: producer.__name__)
def producer(request: pytest.FixtureRequest, served: Served) -> Producer:
    made: Producer = request.param(served.url)
    return made


def waiting(producer: Producer, served: Served) -> int:
    """A job that no worker takes, because it is due in an hour."""
    id = producer.insert("nobody_serves_this", OPTION)
    assert producer.change(LATER, id) == 1
    served.connection.execute("UPDATE jobs SET type = 'monte_carlo' WHERE id = %s", [id])
    return id


def test_the_plain_insert_makes_a_job_that_runs(producer: Producer, served: Served) -> None:
    id = producer.insert("monte_carlo", OPTION)
    assert served.ended(id) == "completed"
    (result,) = served.read(id, "result")
    assert (result["paths"], result["seed"]) == (1000, 0)
    assert abs(result["price"] - 8.02) < 4 * result["standardError"]


def test_everything_else_comes_from_the_columns_defaults(producer: Producer, served: Served) -> None:
    id = producer.insert("nobody_serves_this", {})
    columns = ("queue", "priority", "attempts", "maxAttempts", "timeoutSeconds", "result", "errorMessage")
    assert served.read(id, *columns) == ("default", 0, 0, 3, None, None, None)
    run_at, created_at, updated_at = served.read(id, "runAt", "createdAt", "updatedAt")
    assert run_at == created_at == updated_at
    ((age,),) = served.connection.execute('SELECT now() - "createdAt" FROM jobs WHERE id = %s', [id])
    assert timedelta(0) <= age < timedelta(minutes=2)


def test_text_of_every_alphabet_and_every_quote_arrives_as_it_was(producer: Producer, served: Served) -> None:
    payload = {"name": """O'Hara "Köln" \\ 東京 ₹ 🚀 :id {x} %s $1""", "list": [1, None, {"a": True}]}
    id = producer.insert("nobody_serves_this", payload)
    assert served.read(id, "payload") == (payload,)


def test_a_job_is_cancelled_and_requeued(producer: Producer, served: Served) -> None:
    id = waiting(producer, served)
    assert producer.change(CANCEL, id) == 1
    assert served.read(id, "status") == ("cancelled",)
    assert producer.change(CANCEL, id) == 0
    assert producer.change(REQUEUE, id) == 1  # at once, although it was to wait when it was cancelled
    assert served.ended(id) == "completed"


def test_a_job_is_rescheduled(producer: Producer, served: Served) -> None:
    id = waiting(producer, served)
    assert producer.change(NOW, id) == 1
    assert served.ended(id) == "completed"


def test_a_job_is_reprioritised(producer: Producer, served: Served) -> None:
    id = waiting(producer, served)
    assert producer.change(REPRIORITISE, id) == 1
    assert served.read(id, "priority", "status") == (20, "queued")
