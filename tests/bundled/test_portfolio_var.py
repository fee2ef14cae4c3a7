"""`portfolio_var` against the closed form, and against itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from rowcrew.bundled import crew
from rowcrew.model.outcome import Errored
from rowcrew.testing import run_handler

STOCK: dict[str, Any] = {"name": "Stock", "value": 1_000_000, "volatility": 0.25, "drift": 0.08}
BOND: dict[str, Any] = {"name": "Bond", "value": 500_000, "volatility": 0.06, "drift": 0.03}
PAYLOAD: dict[str, Any] = {"model": "portfolio_var", "positions": [STOCK], "paths": 400_000, "seed": 3}


def measured(**changes: Any) -> Any:
    return run_handler(crew, "monte_carlo", PAYLOAD | changes).result


def refusal(**changes: Any) -> str:
    outcome = run_handler(crew, "monte_carlo", PAYLOAD | changes).outcome
    assert isinstance(outcome, Errored), outcome
    assert outcome.permanent
    return outcome.error


def closed_form(confidence: float, days: int, sign: int = 1) -> tuple[float, float]:
    """Value at risk and expected shortfall of one lognormal position, long or short."""
    years = days / 252
    mean, spread = (0.08 - 0.25**2 / 2) * years, 0.25 * math.sqrt(years)
    quantile = stats.norm.ppf(1 - confidence if sign > 0 else confidence)
    at_risk = sign * 1e6 * (1 - math.exp(mean + spread * quantile))
    # The mean of a lognormal beyond a quantile, by completing the square.
    tail = stats.norm.cdf(sign * (quantile - spread)) / (1 - confidence)
    return at_risk, sign * 1e6 * (1 - math.exp(mean + spread**2 / 2) * tail)


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize(("confidence", "days"), [(0.99, 10), (0.95, 1), (0.999, 252)])
def test_one_position_agrees_with_the_closed_form(confidence: float, days: int, sign: int) -> None:
    answer = measured(
        positions=[STOCK | {"value": sign * 1_000_000}], confidence=confidence, horizonDays=days
    )
    at_risk, shortfall = closed_form(confidence, days, sign)
    low, high = answer["ci95"]
    assert low < answer["valueAtRisk"] < high
    assert abs(answer["valueAtRisk"] - at_risk) < 2 * (high - low) / 2  # about 4 standard errors
    assert answer["expectedShortfall"] == pytest.approx(shortfall, rel=0.02)


def test_the_interval_holds_the_true_value_nineteen_times_out_of_twenty() -> None:
    truth, _ = closed_form(0.95, 10)
    hits = 0
    for seed in range(200):
        low, high = measured(confidence=0.95, paths=10_000, seed=seed)["ci95"]
        hits += low <= truth <= high
    assert stats.binomtest(hits, 200, 0.95).pvalue > 0.001


def test_two_positions_agree_with_a_plain_simulation_of_their_correlation() -> None:
    answer = measured(positions=[STOCK, BOND], correlation=[[1, -0.4], [-0.4, 1]], horizonDays=21)
    stream = np.random.default_rng(99)
    years = 21 / 252
    normals = stream.multivariate_normal([0, 0], [[1, -0.4], [-0.4, 1]], 1_000_000)
    values = [
        position["value"]
        * np.exp(
            (position["drift"] - position["volatility"] ** 2 / 2) * years
            + position["volatility"] * math.sqrt(years) * normals[:, place]
        )
        for place, position in enumerate((STOCK, BOND))
    ]
    losses = 1_500_000 - sum(values)
    low, high = answer["ci95"]
    assert abs(np.percentile(losses, 99) - answer["valueAtRisk"]) < high - low


def test_perfectly_hedged_is_without_risk() -> None:
    answer = measured(positions=[STOCK, STOCK | {"value": -1_000_000}], correlation=[[1, 1], [1, 1]])
    assert answer["valueAtRisk"] == pytest.approx(0, abs=1e-6)


def test_the_worst_losses_are_kept_across_chunks() -> None:
    answer = measured(paths=50_000, confidence=0.9)
    # The definition, once more and plainly: all chunks at hand, sorted.
    from rowcrew.bundled.monte_carlo.portfolio_var import PortfolioVar, Position, simulate_chunk

    stock = Position(name="Stock", value=1e6, volatility=0.25, drift=0.08)
    portfolio = PortfolioVar(positions=(stock,), paths=50_000, confidence=0.9, seed=3)
    losses = np.sort(np.concatenate([simulate_chunk(portfolio, np.eye(1), chunk) for chunk in range(3)]))
    assert len(losses) == 50_000
    assert answer["valueAtRisk"] == losses[45_000 - 1]
    assert answer["expectedShortfall"] == pytest.approx(losses[45_000 - 1 :].mean())


def test_progress_and_seed() -> None:
    run = run_handler(crew, "monte_carlo", PAYLOAD | {"paths": 50_000})
    assert run.progress[0]["message"] == "Simulated 20,000 of 50,000 paths"
    assert run.progress[-1]["message"] == "Simulated 50,000 of 50,000 paths"
    assert run.result == measured(paths=50_000)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"positions": [STOCK | {"volatility": 0}]}, "payload.positions[0].volatility"),
        ({"positions": []}, "payload.positions"),
        ({"confidence": 99}, "payload.confidence"),
        ({"horizonDays": 0}, "payload.horizonDays"),
        ({"correlation": [[1, 0]]}, "correlation must have 1 rows"),
        (
            {"positions": [STOCK] * 3, "correlation": [[1, 1, -1], [1, 1, 1], [-1, 1, 1]]},
            "payload.correlation is not positive semi-definite",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_named(changes: dict[str, Any], complaint: str) -> None:
    assert complaint in refusal(**changes)


def test_paths_that_hardly_see_the_loss_are_refused_with_their_bound() -> None:
    run = run_handler(crew, "monte_carlo", PAYLOAD | {"paths": 20_000, "confidence": 0.9999})
    assert isinstance(run.outcome, Errored)
    assert "paths must be at least 100,000 with a confidence of 0.9999" in run.outcome.error
    held = 0
    for seed in range(40):
        low, high = measured(paths=100_000, confidence=0.9999, seed=seed)["ci95"]
        held += low <= closed_form(0.9999, 10)[0] <= high
    assert held >= 36
