"""What an investigation does next: no limit is ever passed, and a crash at any moment changes nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rowcrew.bundled.investigation.conversation import Call, Ended, Step, ToolResult, Turn, Usage
from rowcrew.bundled.investigation.moves import (
    LEAST_OUTPUT,
    MOST_OUTPUT,
    Ask,
    Limits,
    Stop,
    Use,
    next_move,
    spent,
)
from rowcrew.bundled.investigation.settings import FREE, Prices

PRICES = Prices(Decimal(3), Decimal(15))
WIDE = Limits(steps=8, tokens=20_000, usd=Decimal("0.5"), seconds=600)


def step(
    number: int = 1,
    *,
    calls: bool = True,
    results: bool = True,
    tokens: tuple[int, int] = (100, 50),
    **turn: Any,
) -> Step:
    each = Call(id=f"call_{number}", tool="read_document", arguments={})
    return Step(
        number=number,
        request_id="r",
        turn=Turn(text="words", calls=(each,) if calls else (), **turn),
        usage=Usage(input_tokens=tokens[0], output_tokens=tokens[1], cost_usd=PRICES.of(*tokens)),
        results=(ToolResult(call_id=each.id, content="[]"),) if results else None,
    )


def move(
    *steps: Step, limits: Limits = WIDE, coming: int = 100, elapsed: float = 0, prices: Prices = PRICES
) -> Any:
    return next_move(steps, limits, prices, coming=coming, elapsed=elapsed)


def limits(**changes: Any) -> Limits:
    values = {name: getattr(WIDE, name) for name in WIDE.__struct_fields__}
    return Limits(**{**values, **changes})


def test_calls_are_answered_before_the_model_is_asked_again() -> None:
    assert move() == Ask(number=1, most_output=MOST_OUTPUT)
    asked = step(results=False)
    assert move(asked) == Use(asked)
    assert move(step()) == Ask(number=2, most_output=MOST_OUTPUT)


def test_a_turn_without_calls_is_the_answer_unless_it_was_cut_or_refused() -> None:
    reasons: dict[Ended, str] = {"whole": "answer", "cut": "tokens", "refused": "refusal"}
    for ended, reason in reasons.items():
        assert move(step(calls=False, ended=ended)) == Stop(reason)  # type: ignore[arg-type]


def test_an_answer_in_the_last_step_counts_and_calls_in_it_are_not_used() -> None:
    steps = [step(1), step(2)]
    assert move(*steps, limits=limits(steps=3)) == Ask(number=3, most_output=MOST_OUTPUT)
    assert move(*steps, step(3, calls=False), limits=limits(steps=3)) == Stop("answer")
    assert move(*steps, step(3, results=False), limits=limits(steps=3)) == Stop("steps")


def test_tokens_are_enough_to_the_last_one() -> None:
    enough = 150 + 1_000 + LEAST_OUTPUT
    assert move(step(), limits=limits(tokens=enough), coming=1_000) == Ask(number=2, most_output=LEAST_OUTPUT)
    assert move(step(), limits=limits(tokens=enough - 1), coming=1_000) == Stop("tokens")


def test_money_is_enough_to_the_last_token_and_free_tokens_need_none() -> None:
    enough = PRICES.of(100 + 1_000, 50 + LEAST_OUTPUT)
    assert move(step(), limits=limits(usd=enough), coming=1_000) == Ask(number=2, most_output=LEAST_OUTPUT)
    short = enough - Decimal("0.000001")
    assert move(step(), limits=limits(usd=short), coming=1_000) == Stop("cost")
    assert move(limits=limits(usd=Decimal(0)), prices=FREE) == Ask(number=1, most_output=MOST_OUTPUT)


def test_time_that_is_over_ends_it_before_the_next_call() -> None:
    assert move(step(), elapsed=599.9) == Ask(number=2, most_output=MOST_OUTPUT)
    assert move(step(), elapsed=600) == Stop("time")
    assert move(step(results=False), elapsed=600) == Stop("time")


@given(
    steps=st.integers(1, 12),
    tokens=st.integers(1, 30_000),
    microdollars=st.integers(0, 200_000),
    turns=st.lists(
        st.tuples(st.integers(1, 3_000), st.integers(0, 500), st.floats(0, 1)), min_size=1, max_size=12
    ),
)
def test_no_limit_is_passed_whatever_the_model_says(
    steps: int, tokens: int, microdollars: int, turns: list[tuple[int, int, float]]
) -> None:
    given_limits = limits(steps=steps, tokens=tokens, usd=Decimal(microdollars) / 10**6)
    done: list[Step] = []
    for reads, spare, share in [*turns, *[(1, 0, 1.0)] * 40]:
        said = next_move(done, given_limits, PRICES, coming=reads + spare, elapsed=0)
        assert said == next_move(list(done), given_limits, PRICES, coming=reads + spare, elapsed=0)
        if isinstance(said, Stop):
            break
        assert isinstance(said, Ask)
        assert said.number == len(done) + 1
        done.append(step(said.number, tokens=(reads, int(said.most_output * share))))
    taken, usd = spent(done)
    assert len(done) <= steps
    assert taken <= tokens
    assert usd <= given_limits.usd
