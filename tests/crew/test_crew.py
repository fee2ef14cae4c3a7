"""Registering handlers, and what jobs of their types are given."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from rowcrew import Backoff, Crew, InvalidJob, NewJob
from rowcrew.model.errors import CrewError
from rowcrew.model.manifest import Manifest


def plain(spot: float = 0) -> None:
    """Price one option.

    Slowly.
    """


async def asynchronous() -> None: ...


def test_a_handler_stays_the_function_it_was() -> None:
    crew = Crew()

    @crew.job("double")
    def double(n: int) -> int:
        return 2 * n

    assert double(21) == 42
    assert crew.types["double"].handler is double


def test_a_type_has_one_handler() -> None:
    crew = Crew()
    crew.job("model_run")(plain)
    with pytest.raises(CrewError, match="type 'model_run' already has the handler plain"):
        crew.job("model_run")(asynchronous)
    assert crew.types["model_run"].handler is plain


@pytest.mark.parametrize(
    ("handler", "asked", "given"),
    [
        (plain, None, "thread"),
        (plain, "thread", "thread"),
        (plain, "process", "process"),
        (asynchronous, None, "async"),
        (asynchronous, "async", "async"),
        (asynchronous, "process", "process"),
    ],
)
def test_the_executor_follows_the_kind_of_function(handler: Any, asked: Any, given: str) -> None:
    crew = Crew()
    crew.job("t", executor=asked)(handler)
    assert crew.types["t"].manifest.executor == given


@pytest.mark.parametrize(
    ("handler", "executor", "remedy"),
    [
        (plain, "async", "plain is no async function; give executor='thread' or 'process'"),
        (asynchronous, "thread", "asynchronous is an async function; give executor='async' or 'process'"),
        (plain, "fast", "executor 'fast' is unknown; give 'async', 'thread' or 'process'"),
    ],
)
def test_an_executor_that_cannot_be_is_refused_with_a_remedy(
    handler: Any, executor: Any, remedy: str
) -> None:
    with pytest.raises(CrewError) as refused:
        Crew().job("t", executor=executor)(handler)
    assert str(refused.value) == remedy


class Callee:
    def __call__(self) -> None: ...


def generator() -> Iterator[int]:
    yield 1


async def asynchronous_generator() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize("handler", [Callee(), functools.partial(plain, 1), 7, Callee])
def test_what_is_no_function_is_no_handler(handler: Any) -> None:
    with pytest.raises(CrewError, match=r"type 't': .* is no function"):
        Crew().job("t")(handler)


@pytest.mark.parametrize("handler", [generator, asynchronous_generator])
def test_a_generator_is_no_handler(handler: Any) -> None:
    with pytest.raises(CrewError, match="is a generator: return the result"):
        Crew().job("t")(handler)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"queue": "Not Good"}, "type 't': queue: 'Not Good' must be 1 to 63 of"),
        ({"priority": "highest"}, "type 't': priority: 'highest' is unknown; give urgent"),
        ({"max_attempts": 0}, "type 't': max_attempts: 0 must be a whole number from 1 to 1000"),
        ({"timeout": 0}, "type 't': timeout: 0 must be more than 0"),
        ({"timeout": -1.0}, "type 't': timeout: -1.0 must be"),
        ({"timeout": float("nan")}, "type 't': timeout: nan must be"),
        ({"timeout": timedelta(days=-1)}, "type 't': timeout: datetime.timedelta(days=-1) must be"),
    ],
)
def test_an_option_that_no_job_may_have_is_refused_at_once(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CrewError) as refused:
        Crew().job("t", **options)(plain)
    assert str(refused.value).startswith(complaint)


@pytest.mark.parametrize("name", ["", "t" * 201, "a\0b"])
def test_a_type_that_no_row_could_name_is_refused(name: str) -> None:
    with pytest.raises(CrewError, match="type: "):
        Crew().job(name)(plain)


def test_the_manifest_says_what_was_registered() -> None:
    crew = Crew()
    backoff = Backoff(base_seconds=1, cap_seconds=5)
    crew.job(
        "price",
        queue="ai",
        executor="process",
        timeout=timedelta(minutes=2),
        max_attempts=7,
        backoff=backoff,
        priority="high",
    )(plain)
    crew.job("bare")(asynchronous)
    price, bare = crew.manifest().types
    assert (price.name, price.queue, price.executor, price.timeout_seconds) == ("price", "ai", "process", 120)
    assert (price.max_attempts, price.backoff, price.priority) == (7, backoff, 10)
    assert price.description == "Price one option."
    assert b'"spot"' in price.payload_schema
    assert (bare.queue, bare.timeout_seconds, bare.max_attempts, bare.priority) == (None, None, None, None)
    assert (bare.backoff, bare.description) == (Backoff(), "")


def test_a_timeout_in_seconds_is_taken_as_it_is() -> None:
    crew = Crew()
    crew.job("t", timeout=1.5)(plain)
    assert crew.types["t"].manifest.timeout_seconds == 1.5


def test_a_manifest_travels_unchanged() -> None:
    crew = Crew()
    crew.job("price", timeout=3, backoff=Backoff(factor=3))(plain)
    manifest = crew.manifest()
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(manifest), type=Manifest) == manifest


def test_a_crew_takes_over_the_types_of_another() -> None:
    crew, other = Crew(), Crew()
    crew.job("a")(plain)
    other.job("b")(asynchronous)
    crew.include(other)
    assert list(crew.types) == ["a", "b"]
    assert list(other.types) == ["b"]


def test_two_crews_with_the_same_type_do_not_go_together() -> None:
    crew, other = Crew(), Crew()
    crew.job("a")(plain)
    other.job("a")(asynchronous)
    with pytest.raises(CrewError, match="type 'a' is in both crews"):
        crew.include(other)


def test_a_new_job_gets_what_its_type_says() -> None:
    crew = Crew()
    crew.job("price", queue="ai", max_attempts=7, priority="high")(plain)
    job = crew.new_job("price", {"spot": 1})
    assert job == NewJob("price", {"spot": 1}, queue="ai", max_attempts=7, priority=10)


def test_what_a_new_job_says_itself_goes_first() -> None:
    crew = Crew()
    crew.job("price", queue="ai", max_attempts=7, priority="high")(plain)
    job = crew.new_job("price", queue="mail", max_attempts=1, priority=0, unique_key="k")
    assert job == NewJob("price", {}, queue="mail", max_attempts=1, priority=0, unique_key="k")
    assert crew.new_job("price", queue=None).queue == "ai"


def test_a_new_job_of_another_crew_gets_what_the_columns_say() -> None:
    assert Crew().new_job("elsewhere", {"a": 1}) == NewJob("elsewhere", {"a": 1})


def test_a_new_job_that_cannot_be_enqueued_names_the_field() -> None:
    with pytest.raises(InvalidJob, match="max_attempts: 0"):
        Crew().new_job("t", max_attempts=0)
    with pytest.raises(TypeError, match="colour"):
        Crew().new_job("t", colour="red")


def test_a_bare_decorator_takes_the_functions_name() -> None:
    crew = Crew()

    @crew.job
    def send_invoice(customer: int) -> int:
        return customer

    @crew.job(max_attempts=5)
    async def send_reminder() -> None: ...

    assert send_invoice(7) == 7
    assert list(crew.types) == ["send_invoice", "send_reminder"]
    assert crew.types["send_reminder"].manifest.max_attempts == 5


class Shop:
    def send(self, customer: int) -> int:
        return customer

    @classmethod
    def send_all(cls, customers: list[int]) -> int:
        return len(customers)


def test_a_method_without_its_object_is_refused() -> None:
    with pytest.raises(CrewError, match=r"type 'send': Shop\.send is a method, and no run has its object"):
        Crew().job("send")(Shop.send)


@pytest.mark.parametrize("decorate", [Crew().job, Crew().job("send_all")])
def test_a_class_method_without_its_class_is_refused(decorate: Any) -> None:
    with pytest.raises(CrewError, match=r"type 'send_all': Shop\.send_all is a method, and no run has"):
        decorate(vars(Shop)["send_all"])


def test_a_method_of_an_object_or_class_is_a_handler() -> None:
    crew = Crew()
    crew.job("send")(Shop().send)
    crew.job("send_all")(Shop.send_all)
    assert crew.types["send"].binding.decode('{"customer": 7}') == {"customer": 7}
    assert crew.types["send_all"].binding.decode('{"customers": [7]}') == {"customers": [7]}
