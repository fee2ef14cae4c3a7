"""Hooks of a crew are called around every run, where the handler runs, whatever it does."""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable
from typing import Any

import pytest

from rowcrew import Crew
from rowcrew.context import CurrentJob
from rowcrew.model.errors import CrewError
from rowcrew.model.outcome import Completed, Errored
from rowcrew.testing import run_handler

scope: contextvars.ContextVar[str] = contextvars.ContextVar("scope", default="none")


class Told:
    """A crew whose hooks and handlers write down that they were called, and in which thread."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.threads: list[str] = []
        self.crew = Crew()

    def note(self, what: str) -> None:
        self.calls.append(what)
        self.threads.append(threading.current_thread().name)

    def hook(self, what: str, *, is_async: bool = False) -> Callable[..., Any]:
        async def later() -> None:
            self.note(what)

        return later if is_async else functools.partial(self.note, what)


def plain(told: Told) -> None:
    @told.crew.job("t")
    def handler() -> str:
        told.note("run")
        return scope.get()


def asynchronous(told: Told) -> None:
    @told.crew.job("t")
    async def handler() -> str:
        told.note("run")
        return scope.get()


both = pytest.mark.parametrize("kind", [plain, asynchronous])


@both
@pytest.mark.parametrize("is_async", [False, True])
def test_hooks_come_before_and_after_a_run_the_last_registered_after_first(
    kind: Callable[[Told], None], is_async: bool
) -> None:
    told = Told()
    kind(told)
    for name in ("a", "b"):
        told.crew.before_run(told.hook(f"before {name}", is_async=is_async))
        told.crew.after_run(told.hook(f"after {name}", is_async=is_async))
    assert run_handler(told.crew, "t").outcome == Completed(b'"none"')
    assert told.calls == ["before a", "before b", "run", "after b", "after a"]


def test_plain_hooks_of_a_plain_handler_run_in_its_thread() -> None:
    told = Told()
    plain(told)
    told.crew.before_run(told.hook("before"))
    told.crew.after_run(told.hook("after"))
    run_handler(told.crew, "t")
    assert len(set(told.threads)) == 1
    assert told.threads[0] != threading.current_thread().name


@both
def test_what_a_hook_sets_is_there_in_the_run_and_in_no_other(kind: Callable[[Told], None]) -> None:
    told = Told()
    kind(told)
    told.crew.before_run(lambda job: scope.set(f"{scope.get()} {job.type}"))
    for _ in range(2):
        assert run_handler(told.crew, "t").result == "none t"


def test_hooks_after_a_run_are_called_when_it_fails_and_when_another_of_them_does() -> None:
    told = Told()

    @told.crew.job
    def fails() -> None:
        raise ValueError("no")

    told.crew.after_run(told.hook("after"))

    @told.crew.after_run
    def broken(job: CurrentJob) -> None:
        raise RuntimeError(f"hook of {job.type}")

    outcome = run_handler(told.crew, "fails").outcome
    assert isinstance(outcome, Errored)
    assert outcome.error == "RuntimeError: hook of fails"
    assert told.calls == ["after"]


@both
def test_a_hook_that_fails_before_a_run_keeps_it_from_beginning(kind: Callable[[Told], None]) -> None:
    told = Told()
    kind(told)

    @told.crew.before_run
    def broken() -> None:
        raise RuntimeError("no connection")

    told.crew.after_run(told.hook("after"))
    outcome = run_handler(told.crew, "t").outcome
    assert isinstance(outcome, Errored)
    assert (outcome.error, told.calls) == ("RuntimeError: no connection", ["after"])


def test_hooks_go_with_the_types_of_their_crew() -> None:
    told, other = Told(), Told()
    plain(told)
    told.crew.before_run(told.hook("before"))
    other.crew.job("u")(lambda: None)
    other.crew.include(told.crew)
    run_handler(other.crew, "u")
    assert told.calls == []
    run_handler(other.crew, "t")
    assert told.calls == ["before", "run"]


def test_a_hook_that_wants_more_than_the_job_is_refused() -> None:
    crew = Crew()
    with pytest.raises(CrewError, match="a hook takes nothing, or the facts of the job"):
        crew.before_run(lambda job, request: None)
