"""A handler enqueues jobs of its type, and stays the function it was."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import inspect
import pickle
import types
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pydantic
import pytest

from rowcrew import Context, Crew, InvalidJob, NewJob, enqueue, enqueue_many
from rowcrew.testing import run_handler
from tests.conftest import Connect
from tests.contract.hands import read

crew = Crew()


@crew.job("mail", queue="mails", priority="high", max_attempts=5)
def mail(to: str, subject: str = "Hello") -> str:
    return f"{subject} {to}"


@crew.job
async def count(context: Context, words: list[str], times: int = 1) -> int:
    context.progress(0)
    return len(words) * times


@dataclasses.dataclass
class Report:
    account: int
    months: int = 12


class ReportStruct(msgspec.Struct, rename="camel"):
    account_id: int


class Address(msgspec.Struct, forbid_unknown_fields=True):
    street: str = ""


class ReportModel(pydantic.BaseModel):
    account: int


@crew.job
def report(payload: Report) -> int:
    return payload.months


@crew.job
def report_struct(context: Context, payload: ReportStruct) -> int:
    return payload.account_id


@crew.job
def report_model(payload: ReportModel) -> int:
    return payload.account


class AliasedModel(pydantic.BaseModel):
    account: int = pydantic.Field(default=0, alias="accountId")


@crew.job
def report_aliased(payload: AliasedModel) -> int:
    return payload.account


@crew.job
def report_anything(payload: dict[str, int]) -> int:
    return sum(payload.values())


@crew.job
def letter(to: Address, pages: int = 1) -> None: ...


@crew.job
def report_usual(payload: Report = Report(7)) -> int:  # noqa: B008 - never changed
    return payload.account


@pytest.mark.parametrize(
    ("make", "payload"),
    [
        (lambda: mail.new_job("Ada"), {"to": "Ada"}),
        (lambda: mail.new_job(to="Ada", subject="Ahoy"), {"to": "Ada", "subject": "Ahoy"}),
        (lambda: count.new_job(["a", "b"], times=3), {"words": ["a", "b"], "times": 3}),
        (lambda: report.new_job(Report(7)), {"account": 7, "months": 12}),
        (lambda: report.new_job(payload=Report(7, 1)), {"account": 7, "months": 1}),
        (lambda: report_struct.new_job(ReportStruct(7)), {"accountId": 7}),
        (lambda: report_aliased.new_job(AliasedModel(accountId=7)), {"accountId": 7}),
        (lambda: report_model.new_job(ReportModel(account=7)), {"account": 7}),
        (lambda: report_anything.new_job({"a": 1}), {"a": 1}),
        (report_usual.new_job, {"account": 7, "months": 12}),
    ],
)
def test_the_arguments_become_the_payload_that_calls_the_handler_with_them(
    make: Callable[[], NewJob], payload: dict[str, Any]
) -> None:
    job = make()
    assert job.payload == payload
    assert run_handler(crew, job.type, job.payload).result is not None


def test_a_job_gets_what_its_type_says_and_what_using_says_goes_first() -> None:
    assert mail.new_job("Ada") == NewJob("mail", {"to": "Ada"}, queue="mails", priority=10, max_attempts=5)
    job = mail.using(queue="slow", unique_key="ada", run_at=timedelta(hours=1)).new_job("Ada")
    assert (job.queue, job.priority, job.unique_key, job.run_at) == ("slow", 10, "ada", timedelta(hours=1))


def test_using_adds_to_what_was_said_and_changes_no_other() -> None:
    slow = mail.using(queue="slow")
    job = slow.using(priority="low", queue=None).new_job("Ada")
    assert (job.queue, job.priority) == ("slow", -10)
    assert slow.new_job("Ada").priority == 10
    assert mail.new_job("Ada").queue == "mails"


def test_what_the_handler_would_refuse_is_no_job() -> None:
    given: Any = 7
    with pytest.raises(InvalidJob, match=r"^payload: is not what this type takes: .* - at `payload\.to`$"):
        mail.enqueue(to=given)
    with pytest.raises(InvalidJob, match=r"^priority: 'highest' is unknown"):
        mail.using(priority="highest").enqueue("Ada")
    unknown: Any = {"streat": "Elm"}
    with pytest.raises(InvalidJob, match=r"^payload: is not .* unknown field `streat` - at `payload\.to`"):
        letter.new_job(unknown)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "missing a required argument: 'words'"),
        ({"words": [], "word": 1}, "unexpected keyword argument 'word'"),
        ({"words": [], "context": None}, "unexpected keyword argument 'context'"),
    ],
)
def test_arguments_that_do_not_fit_the_call_are_refused_as_python_does(
    arguments: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(TypeError, match=complaint):
        count.enqueue(**arguments)
    with pytest.raises(TypeError, match="colour"):
        given: dict[str, Any] = {"colour": "red"}
        mail.using(**given).new_job("Ada")


def test_a_handler_enqueues_in_the_callers_transaction_or_on_a_connection_of_its_own(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    looking = connect()
    with psycopg.connect(database_url) as caller:
        rolled_back = mail.using(on=caller).enqueue(to="Ada")
        caller.rollback()
        kept = mail.using(on=caller, unique_key="ada").enqueue(to="Ada")
        assert looking.execute("SELECT id FROM jobs").fetchall() == []
    alone = mail.enqueue(to="Bob")
    assert kept.created
    assert rolled_back.id != kept.id
    assert read(looking, kept.id, "type", "queue", "uniqueKey", "payload") == (
        "mail",
        "mails",
        "ada",
        {"to": "Ada"},
    )
    assert read(looking, alone.id, "payload") == ({"to": "Bob"},)


def test_async_programs_await_it(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    looking = connect()

    async def produce() -> tuple[int, int]:
        alone = await count.enqueue_async(["a"])
        async with await psycopg.AsyncConnection.connect(database_url) as caller:
            given = await count.using(on=caller, priority=7).enqueue_async(["a"], times=2)
            assert looking.execute("SELECT id FROM jobs").fetchall() == [(alone.id,)]
        return alone.id, given.id

    alone, given = asyncio.run(produce())
    assert read(looking, alone, "type", "payload") == ("count", {"words": ["a"]})
    assert read(looking, given, "priority", "payload") == (7, {"words": ["a"], "times": 2})


def test_many_at_once_are_new_jobs(connect: Connect) -> None:
    connection = connect()
    made = enqueue_many([mail.new_job(name) for name in ("Cy", "Di")], on=connection)
    assert [read(connection, job.id, "payload") for job in made] == [({"to": "Cy"},), ({"to": "Di"},)]


def test_a_new_job_is_a_child_where_a_context_enqueues_it() -> None:
    parents = Crew()

    @parents.job
    def parent(context: Context) -> None:
        context.enqueue(mail.new_job("Ada"))
        context.enqueue(mail.using(parent_id=5).new_job("Bob"))
        with pytest.raises(TypeError, match="a NewJob is complete"):
            context.enqueue(mail.new_job("Ada"), priority="low")

    children = run_handler(parents, "parent", {}).children
    assert [(child.type, child.queue, child.payload["to"]) for child in children] == [
        ("mail", "mails", "Ada"),
        ("mail", "mails", "Bob"),
    ]
    assert [child.parent_id for child in children] == [1, 5]


def test_a_handler_is_still_the_function_that_was_written() -> None:
    assert mail("Ada") == "Hello Ada"
    written: object = mail
    assert isinstance(written, types.FunctionType)
    assert inspect.iscoroutinefunction(count)
    assert pickle.loads(pickle.dumps(mail)) is mail
    assert pickle.loads(pickle.dumps(count)) is count
    assert str(inspect.signature(mail)) == "(to: 'str', subject: 'str' = 'Hello') -> 'str'"


def test_a_function_of_several_types_enqueues_for_none() -> None:
    others = Crew()

    def both() -> None: ...

    first = others.job("first")(both)
    assert first.new_job().type == "first"
    second = others.job("second")(both)
    others.job("third")(both)
    assert not hasattr(second, "enqueue")
    with pytest.raises(
        InvalidJob, match=r"^type: .*both is the handler of several types: give the name of one"
    ):
        enqueue(both)


def test_a_function_around_a_handler_may_be_the_handler_of_another_type() -> None:
    around = Crew().job("nightly")(functools.wraps(mail)(lambda to, subject="": mail(to, subject)))
    assert around.new_job("Ada").type == "nightly"
    assert mail.new_job("Ada").type == "mail"


def test_a_static_method_has_the_verbs_whichever_decorator_comes_first() -> None:
    others = Crew()

    class Shop:
        @others.job("outer")
        @staticmethod
        async def outer(to: str) -> None: ...

        @staticmethod
        @others.job("inner")
        def inner(to: str) -> None: ...

    assert [one.new_job("Ada").type for one in (Shop.outer, Shop.inner)] == ["outer", "inner"]
    assert others.types["outer"].is_async
