"""What type checkers know of a handler's verbs.

mypy checks this file as part of `./dev lint`: a right call that it refuses is an error there, and so is a
wrong call that it takes, because then the `type: ignore` beside it is unused. The test runs the right calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_type

import pytest

from rowcrew import Context, Crew, Enqueued, NewJob

crew = Crew()


@dataclass
class Report:
    account: int


@crew.job
def mail(to: str, subject: str = "Hello") -> None: ...


@crew.job("count", queue="counts")
async def count(context: Context, words: list[str], times: int = 1) -> dict[str, int]:
    return {"words": len(words) * times}


@crew.job("report")
def report(payload: Report) -> int:
    return payload.account


@crew.job
def nothing(context: Context) -> None: ...


def right_calls() -> None:
    assert_type(mail.enqueue(to="x"), Enqueued)
    assert_type(mail.new_job("x", subject="y"), NewJob)
    mail.using(queue="x", priority="high", run_at=timedelta(hours=1), unique_key="k").enqueue("x")
    mail.using(on=None).using(max_attempts=1).enqueue(to="x")
    count.enqueue(["x"])
    count.using(priority=7).enqueue(words=["x"], times=2)
    report.enqueue(Report(7))
    nothing.enqueue()
    assert_type(report(Report(7)), int)
    called: Callable[[str], None] = mail
    called("x")


async def right_calls_of_async_programs() -> None:
    assert_type(await count.enqueue_async(["x"]), Enqueued)
    await count.using(queue="x").enqueue_async(words=["x"])


def wrong_calls() -> None:
    mail.enqueue()  # type: ignore[call-arg]
    mail.enqueue(to=1)  # type: ignore[arg-type]
    mail.enqueue(too="x")  # type: ignore[call-arg]
    mail.enqueue("x", queue="x")  # type: ignore[call-arg]
    mail.new_job("x", 1)  # type: ignore[arg-type]
    mail.using(queue=1)  # type: ignore[arg-type]
    mail.using(colour="red")  # type: ignore[call-arg]
    mail.using(queue="x").enqueue(to=1)  # type: ignore[arg-type]
    count.enqueue("x")  # type: ignore[arg-type]
    count.enqueue(["x"], times="2")  # type: ignore[arg-type]
    count.using(priority=7).enqueue()  # type: ignore[call-arg]
    report.enqueue(7)  # type: ignore[arg-type]
    nothing.enqueue(1)  # type: ignore[call-arg]
    mail(1)  # type: ignore[arg-type]


async def wrong_calls_of_async_programs() -> None:
    await count.enqueue_async("x")  # type: ignore[arg-type]
    await count.using(queue="x").enqueue_async(word=["x"])  # type: ignore[call-arg]


def test_calls_that_type_checkers_take_go_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowcrew.client.enqueue", lambda job, on: Enqueued(1, created=True))
    right_calls()
