"""Every run begins with the context that the crew's import left, and with a decimal context of its own."""

from __future__ import annotations

import contextvars
import decimal
from collections.abc import Callable

from rowcrew.runner.clean_context import clean_context

colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")


def apart(act: Callable[[], None]) -> None:
    contextvars.copy_context().run(act)


def test_what_was_set_before_the_first_run_is_in_every_run() -> None:
    def act() -> None:
        colour.set("red")
        context, _ = clean_context()
        assert context.copy().run(colour.get) == "red"

    apart(act)


def test_no_two_runs_share_a_decimal_context() -> None:
    def act() -> None:
        decimal.getcontext()
        context, to_copy = clean_context()
        assert to_copy is None
        one = context.copy().run(decimal.getcontext)
        one.prec = 5
        assert context.copy().run(decimal.getcontext).prec == decimal.DefaultContext.prec

    apart(act)


def test_a_decimal_context_that_the_crew_has_set_up_is_copied() -> None:
    def act() -> None:
        decimal.setcontext(decimal.Context(prec=50))
        _, to_copy = clean_context()
        assert to_copy is not None
        assert to_copy is not decimal.getcontext()
        assert to_copy.prec == 50

    apart(act)
