"""`rowcrew.testing.run_handler`: handlers without a queue, for users' tests."""

from __future__ import annotations

from typing import Any

import pytest

from rowcrew.context import Cancel, Context, Retry, RunStopped, Snooze
from rowcrew.crew import Crew
from rowcrew.model.errors import CrewError, InvalidJob
from rowcrew.model.outcome import Cancelled, Errored, Released, Snoozed
from rowcrew.testing import run_handler, run_handler_async
from tests.conftest import Connect

crew = Crew()


@crew.job("greet", queue="letters")
def greet(name: str, context: Context) -> dict[str, Any]:
    context.progress(1, 2, "half")
    context.checkpoint({"seen": [name]})
    context.enqueue("greet", {"name": name.upper()})
    job = context.job
    return {"text": f"Hello {name}", "attempt": job.attempt, "queue": job.queue, "before": job.checkpoint}


@crew.job("end")
async def end(how: str) -> None:
    raise {"snooze": Snooze(5), "cancel": Cancel("no more"), "retry": Retry(9), "exit": SystemExit(0)}[how]


@crew.job("write")
def write(word: str, fail: bool, context: Context) -> str:
    with context.transaction() as connection:
        connection.execute("INSERT INTO words VALUES (%s)", [word])
        with connection.transaction():
            connection.execute("INSERT INTO words VALUES (%s)", [word])
    if fail:
        raise ValueError("after the block")
    return word


@crew.job("write_async")
async def write_async(word: str, context: Context) -> None:
    async with context.transaction() as connection:
        await connection.execute("INSERT INTO words VALUES (%s)", [word])


def test_a_run_shows_result_progress_checkpoints_and_children() -> None:
    run = run_handler(crew, "greet", {"name": "Ada"}, attempt=2, checkpoint={"seen": []})
    assert run.result == {"text": "Hello Ada", "attempt": 2, "queue": "letters", "before": {"seen": []}}
    assert run.progress == [{"current": 1, "total": 2, "message": "half"}]
    assert run.checkpoints == [{"seen": ["Ada"]}]
    assert [(child.type, child.payload, child.parent_id) for child in run.children] == [
        ("greet", {"name": "ADA"}, 1)
    ]


def test_every_end_is_an_outcome() -> None:
    assert run_handler(crew, "end", {"how": "snooze"}).outcome == Snoozed(5.0)
    assert run_handler(crew, "end", {"how": "cancel"}).outcome == Cancelled("no more")
    retry = run_handler(crew, "end", {"how": "retry"})
    assert isinstance(retry.outcome, Errored)
    assert retry.outcome.after_seconds == 9
    assert isinstance(run_handler(crew, "end", {"how": "exit"}).outcome, Errored)


def test_a_payload_that_does_not_fit_is_a_permanent_error() -> None:
    outcome = run_handler(crew, "greet", {"name": 7}).outcome
    assert isinstance(outcome, Errored)
    assert outcome.permanent
    assert "payload.name" in outcome.error


def test_the_result_of_a_failed_run_is_a_failed_claim_with_its_error() -> None:
    run = run_handler(crew, "greet", {"name": 7})
    with pytest.raises(AssertionError, match=r"payload\.name"):
        _ = run.result


def test_what_could_not_be_enqueued_is_refused_at_once() -> None:
    with pytest.raises(CrewError, match="no type 'nothing'; its types are greet"):
        run_handler(crew, "nothing")
    with pytest.raises(InvalidJob, match="NUL"):
        run_handler(crew, "greet", {"name": "a\0"})


def test_a_run_can_be_stopped_at_a_progress_call() -> None:
    run = run_handler(crew, "greet", {"name": "Ada"}, stop_at_progress=1)
    assert isinstance(run.outcome, Released)
    assert run.checkpoints == []
    assert not issubclass(RunStopped, Exception)


def test_a_transaction_commits_if_the_handler_completes_and_only_then(
    connect: Connect, database_url: str
) -> None:
    connection = connect()
    connection.execute("CREATE TABLE words (word text)")
    assert isinstance(
        run_handler(crew, "write", {"word": "a", "fail": True}, database_url=database_url).outcome, Errored
    )
    assert connection.execute("SELECT * FROM words").fetchall() == []
    assert run_handler(crew, "write", {"word": "b", "fail": False}, database_url=database_url).result == "b"
    assert run_handler(crew, "write_async", {"word": "c"}, database_url=database_url).result is None
    assert connection.execute("SELECT * FROM words").fetchall() == [("b",), ("b",), ("c",)]


def test_a_transaction_without_a_database_says_what_to_give() -> None:
    outcome = run_handler(crew, "write", {"word": "a", "fail": False}).outcome
    assert isinstance(outcome, Errored)
    assert "give run_handler a database_url" in outcome.error


@pytest.mark.anyio
async def test_tests_with_an_event_loop_of_their_own_await_the_run() -> None:
    assert (await run_handler_async(crew, "greet", {"name": "Ada"})).result["text"] == "Hello Ada"
