"""The type `monte_carlo` against the closed form, and against itself."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rowcrew.bundled import crew
from rowcrew.bundled.monte_carlo.european_option import (
    EuropeanOption,
    Price,
    chunk_count,
    price_of,
    simulate_chunk,
    terminal_prices,
)
from rowcrew.model.outcome import Errored
from rowcrew.testing import run_handler

PAYLOAD: dict[str, Any] = {
    "model": "european_option",
    "spot": 100,
    "strike": 105,
    "rate": 0.05,
    "volatility": 0.2,
    "maturityYears": 1,
    "seed": 42,
}


def priced(**changes: Any) -> Any:
    run = run_handler(crew, "monte_carlo", PAYLOAD | changes)
    return msgspec.convert(run.result, Price)


def refusal(payload: dict[str, Any]) -> str:
    outcome = run_handler(crew, "monte_carlo", payload).outcome
    assert isinstance(outcome, Errored)
    assert outcome.permanent
    return outcome.error


def black_scholes(option: EuropeanOption) -> float:
    """F. Black, M. Scholes (1973), with R. Merton's continuous dividend yield."""
    spread = option.volatility * math.sqrt(option.maturity_years)
    growth = (option.rate - option.dividend_yield) * option.maturity_years
    d1 = (math.log(option.spot / option.strike) + growth) / spread + spread / 2
    sign = 1 if option.option_type == "call" else -1
    spot = option.spot * math.exp(-option.dividend_yield * option.maturity_years) * stats.norm.cdf(sign * d1)
    strike = option.strike * math.exp(-option.rate * option.maturity_years)
    return float(sign * (spot - strike * stats.norm.cdf(sign * (d1 - spread))))


def option(**changes: Any) -> EuropeanOption:
    return msgspec.convert(PAYLOAD | changes, EuropeanOption)


def test_the_closed_form_here_gives_the_reference_prices() -> None:
    assert black_scholes(option()) == pytest.approx(8.021352, abs=5e-7)
    assert black_scholes(option(optionType="put")) == pytest.approx(7.900442, abs=5e-7)


@pytest.mark.parametrize(
    ("changes", "price", "standard_error"),
    [
        ({"paths": 100_000, "antithetic": False}, 7.9865, 0.0416),
        ({"paths": 1_000_000, "antithetic": False}, 8.0119, 0.0132),
        ({"paths": 1_000_000, "antithetic": True}, 8.0182, 0.0105),
    ],
)
def test_known_seeds_give_known_prices(changes: dict[str, Any], price: float, standard_error: float) -> None:
    answer = priced(**changes)
    assert (round(answer.price, 4), round(answer.standard_error, 4)) == (price, standard_error)
    assert (answer.paths, answer.seed) == (changes["paths"], 42)


def test_each_chunk_draws_from_the_child_that_spawn_gives_it() -> None:
    child = np.random.SeedSequence(42).spawn(3)[2]
    normals = np.random.default_rng(child).standard_normal(50_000)
    prices = 100 * np.exp(0.05 - 0.2**2 / 2 + 0.2 * normals)
    assert np.array_equal(terminal_prices(option(paths=300_000), 2)[:50_000], prices)


@pytest.mark.parametrize("option_type", ["call", "put"])
@pytest.mark.parametrize("antithetic", [True, False])
@pytest.mark.parametrize("dividend_yield", [0, 0.03])
def test_prices_agree_with_black_scholes(option_type: str, antithetic: bool, dividend_yield: float) -> None:
    changes = {"optionType": option_type, "antithetic": antithetic, "dividendYield": dividend_yield}
    answer = priced(**changes)
    assert abs(answer.price - black_scholes(option(**changes))) < 4 * answer.standard_error


@pytest.mark.parametrize("option_type", ["call", "put"])
def test_prices_agree_with_quantlib(option_type: str) -> None:
    quantlib = pytest.importorskip("QuantLib", reason="QuantLib, a second opinion, is not installed")
    today = quantlib.Date(1, 1, 2027)
    quantlib.Settings.instance().evaluationDate = today
    days = quantlib.Actual365Fixed()

    def flat(rate: float) -> Any:
        return quantlib.YieldTermStructureHandle(quantlib.FlatForward(today, rate, days))

    volatility = quantlib.BlackConstantVol(today, quantlib.NullCalendar(), 0.2, days)
    process = quantlib.BlackScholesMertonProcess(
        quantlib.QuoteHandle(quantlib.SimpleQuote(100)),
        flat(0.03),
        flat(0.05),
        quantlib.BlackVolTermStructureHandle(volatility),
    )
    kind = quantlib.Option.Call if option_type == "call" else quantlib.Option.Put
    asked = quantlib.VanillaOption(
        quantlib.PlainVanillaPayoff(kind, 105), quantlib.EuropeanExercise(today + 365)
    )
    asked.setPricingEngine(quantlib.AnalyticEuropeanEngine(process))
    answer = priced(optionType=option_type, dividendYield=0.03)
    assert abs(answer.price - asked.NPV()) < 4 * answer.standard_error
    closed_form = black_scholes(option(optionType=option_type, dividendYield=0.03))
    assert closed_form == pytest.approx(asked.NPV(), rel=1e-9)


@settings(max_examples=60, derandomize=True)
@given(
    moneyness=st.floats(0.7, 1.4),
    rate=st.floats(-0.02, 0.15),
    dividend_yield=st.floats(0, 0.1),
    volatility=st.floats(0.05, 0.8),
    maturity_years=st.floats(0.1, 5),
    option_type=st.sampled_from(["call", "put"]),
    antithetic=st.booleans(),
)
def test_prices_agree_with_black_scholes_across_parameters(
    moneyness: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
    maturity_years: float,
    option_type: str,
    antithetic: bool,
) -> None:
    asked = option(
        strike=100 * moneyness,
        rate=rate,
        dividendYield=dividend_yield,
        volatility=volatility,
        maturityYears=maturity_years,
        optionType=option_type,
        antithetic=antithetic,
        paths=100_000,
    )
    answer = price_of(asked, [simulate_chunk(asked, 0)])
    # The floor is for options so far out of the money that hardly a path pays anything.
    assert abs(answer.price - black_scholes(asked)) < 5 * answer.standard_error + 1e-3


def test_call_minus_put_is_the_forward() -> None:
    # The same seed draws the same paths, so only the mean of the terminal prices is left of the error.
    for changes in ({}, {"dividendYield": 0.04}):
        call, put = priced(**changes), priced(**changes, optionType="put")
        forward = 100 * math.exp(-changes.get("dividendYield", 0)) - 105 * math.exp(-0.05)
        assert abs(call.price - put.price - forward) < 4 * math.hypot(call.standard_error, put.standard_error)


def test_the_error_falls_with_the_root_of_the_paths() -> None:
    few, many = (priced(paths=paths, antithetic=False).standard_error for paths in (100_000, 1_600_000))
    assert few / many == pytest.approx(4, rel=0.02)


def test_chunks_in_any_order_and_number_at_once_give_the_same_bytes() -> None:
    asked = option(paths=730_000)
    answers = set()
    for at_once in (1, 4):
        with ThreadPoolExecutor(at_once) as threads:
            tasks = {
                chunk: threads.submit(simulate_chunk, asked, chunk)
                for chunk in reversed(range(chunk_count(asked)))
            }
        moments = [tasks[chunk].result() for chunk in range(chunk_count(asked))]
        answers.add(msgspec.json.encode(price_of(asked, moments)))
    answers.add(msgspec.json.encode(priced(paths=730_000)))
    assert len(answers) == 1


def test_the_underlying_is_lognormal_at_maturity() -> None:
    asked = option(paths=100_000, antithetic=False, dividendYield=0.02, maturityYears=2)
    returns = np.log(terminal_prices(asked, 0) / 100)
    drift, spread = (0.05 - 0.02 - 0.2**2 / 2) * 2, 0.2 * math.sqrt(2)
    assert stats.kstest(returns, stats.norm(drift, spread).cdf).pvalue > 0.01


def test_merged_moments_are_the_moments_of_all_samples() -> None:
    asked = option(paths=250_000, antithetic=False)
    payoffs = np.concatenate([np.maximum(terminal_prices(asked, chunk) - 105, 0) for chunk in range(3)])
    payoffs *= math.exp(-0.05)
    answer = priced(paths=250_000, antithetic=False)
    assert answer.price == pytest.approx(payoffs.mean(), rel=1e-12)
    assert answer.standard_error == pytest.approx(payoffs.std(ddof=1) / math.sqrt(250_000), rel=1e-12)
    assert answer.ci95 == pytest.approx(
        (answer.price - 1.959964 * answer.standard_error, answer.price + 1.959964 * answer.standard_error)
    )


def test_progress_tells_the_paths_done() -> None:
    run = run_handler(crew, "monte_carlo", PAYLOAD | {"paths": 250_000})
    assert [said["message"] for said in run.progress] == [
        "Simulated 100,000 of 250,000 paths",
        "Simulated 200,000 of 250,000 paths",
        "Simulated 250,000 of 250,000 paths",
    ]


def test_an_unknown_model_is_told_which_there_are() -> None:
    assert "model 'asian_option' is unknown; give 'european_option'" in refusal({"model": "asian_option"})
    assert "missing required field `model`" in refusal({"spot": 100})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spot", 0),
        ("strike", -1),
        ("volatility", 0),
        ("volatility", "high"),
        ("maturityYears", 0),
        ("rate", 5),
        ("paths", 50_000_002),
        ("paths", 10),
        ("seed", -1),
        ("optionType", "straddle"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any) -> None:
    assert f"payload.{field}" in refusal(PAYLOAD | {field: value})


def test_antithetic_paths_come_in_pairs_and_unknown_fields_are_refused() -> None:
    assert "paths must be even" in refusal(PAYLOAD | {"paths": 1001})
    assert "`strkie`" in refusal(PAYLOAD | {"strkie": 1})


@pytest.mark.parametrize(
    ("changes", "published"),
    [
        # J. C. Hull, Options, Futures, and Other Derivatives, example 15.6.
        ({"spot": 42, "strike": 40, "rate": 0.1, "volatility": 0.2, "maturityYears": 0.5}, 4.76),
        (
            {"spot": 42, "strike": 40, "rate": 0.1, "maturityYears": 0.5, "optionType": "put"},
            0.81,
        ),
        # E. G. Haug, The Complete Guide to Option Pricing Formulas, 1.1.1 and 1.1.3.
        ({"spot": 60, "strike": 65, "rate": 0.08, "volatility": 0.3, "maturityYears": 0.25}, 2.1334),
        (
            {
                "strike": 95, "rate": 0.1, "dividendYield": 0.05, "maturityYears": 0.5, "optionType": "put",
            },
            2.4648,
        ),
    ],
)  # fmt: skip
def test_prices_agree_with_those_of_textbooks(changes: dict[str, Any], published: float) -> None:
    answer = priced(**changes)
    assert abs(answer.price - published) < 0.005 + 4 * answer.standard_error


LONG_AND_WILD: dict[str, Any] = {"strike": 100, "rate": 0.05, "volatility": 1.0, "maturityYears": 10}


def test_the_interval_of_a_call_with_a_heavy_tail_holds_its_price() -> None:
    answer = priced(**LONG_AND_WILD, seed=1)
    assert black_scholes(option(**LONG_AND_WILD)) == pytest.approx(91.2081, abs=5e-5)
    assert answer.ci95[0] - answer.standard_error < 91.2081 < answer.ci95[1] + answer.standard_error
    assert answer.standard_error < 0.02


@pytest.mark.parametrize(
    "narrow",
    [
        {"volatility": 5e-324},
        {"volatility": 1e-300, "maturityYears": 1e-300},
        {"volatility": 1e-200},
        {"volatility": 1e-17, "strike": 90},
        {"volatility": 1e-15, "strike": 90},
    ],
)
@pytest.mark.parametrize("option_type", ["call", "put"])
def test_what_hardly_moves_is_worth_what_it_pays(narrow: dict[str, Any], option_type: str) -> None:
    found = priced(**narrow, optionType=option_type, paths=1_000)
    given = option(**narrow)
    sign = 1 if option_type == "call" else -1
    assert found.price == pytest.approx(max(sign * (given.stock - given.cash), 0.0), abs=1e-9)
    assert found.standard_error == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("volatility", [0.1, 0.8, 2.0, 5.0])
@pytest.mark.parametrize("strike", [1, 80, 120, 10_000])
@pytest.mark.parametrize("option_type", ["call", "put"])
def test_nine_of_ten_intervals_hold_the_price(volatility: float, strike: float, option_type: str) -> None:
    changes = {"volatility": volatility, "strike": strike, "optionType": option_type, "maturityYears": 5}
    held = 0
    for seed in range(100):
        asked = option(**changes, paths=4_000, antithetic=False, seed=seed)
        answer = price_of(asked, [simulate_chunk(asked, 0)])
        digits = 1e-12 * (asked.stock + asked.cash)
        held += answer.ci95[0] - digits <= black_scholes(asked) <= answer.ci95[1] + digits
    assert held >= 88


def test_an_option_that_hardly_ever_pays_has_a_price_and_an_interval() -> None:
    answer = priced(strike=400, paths=1_000)
    assert 0 < answer.ci95[0] < black_scholes(option(strike=400)) < answer.ci95[1] < 1e-9


def test_the_widest_spread_overflows_nothing() -> None:
    asked = {"volatility": 5, "maturityYears": 50, "dividendYield": -1, "strike": 1e12, "spot": 1e12}
    for option_type in ("call", "put"):
        answer = priced(**asked, optionType=option_type, paths=10_000)
        assert math.isfinite(answer.price)
        assert (
            abs(answer.price - black_scholes(option(**asked, optionType=option_type))) < 1e-9 * answer.price
        )
