"""`driver_simulation`: its distributions, its dependence, and its months against the engine, draw by draw."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import stats

from rowcrew.bundled import crew
from rowcrew.bundled.model_run.payload import drivers_of
from rowcrew.bundled.model_run.saas_model import Company
from rowcrew.bundled.model_run.saas_ratios import cash_out_month, runway_months
from rowcrew.bundled.monte_carlo.draws import rank_correlation, ranks
from rowcrew.bundled.monte_carlo.driver_simulation import (
    DriverSimulation,
    draw,
    live_through,
    runways,
    simulate,
    with_draws,
)
from rowcrew.model.outcome import Errored, Released
from rowcrew.testing import run_handler
from tests.bundled.saas_payload import FULL, REFERENCE

CHURN = {"path": "revenue.0.churnRate", "distribution": "triangular", "min": 0.02, "mode": 0.03, "max": 0.06}
ARPA = {"path": "revenue.0.arpa", "distribution": "normal", "mean": 100, "sigma": 8}
NEW = {"path": "revenue.0.newCustomers", "distribution": "gamma", "shape": 16, "scale": 2.5}
CASH = {"path": "openingCash", "distribution": "uniform", "min": 300_000, "max": 900_000}
PAYLOAD: dict[str, Any] = {
    "model": "driver_simulation",
    "modelRun": REFERENCE,
    "drivers": [CHURN],
    "simulations": 2000,
    "seed": 7,
}


def simulation(**changes: Any) -> DriverSimulation:
    return msgspec.json.decode(msgspec.json.encode(PAYLOAD | changes), type=DriverSimulation)


def simulated(**changes: Any) -> Any:
    return run_handler(crew, "monte_carlo", PAYLOAD | changes).result


def refusal(**changes: Any) -> str:
    outcome = run_handler(crew, "monte_carlo", PAYLOAD | changes).outcome
    assert isinstance(outcome, Errored), outcome
    assert outcome.permanent, outcome
    return outcome.error


def silent(done: int) -> None: ...


@pytest.mark.parametrize(
    ("driver", "distribution"),
    [
        ({"distribution": "normal", "mean": 500, "sigma": 30}, stats.norm(500, 30)),
        ({"distribution": "lognormal", "mu": 4, "sigma": 0.5}, stats.lognorm(0.5, scale=math.exp(4))),
        ({"distribution": "triangular", "min": 2, "mode": 3, "max": 6}, stats.triang(0.25, 2, 4)),
        ({"distribution": "triangular", "min": 2, "mode": 2, "max": 6}, stats.triang(0, 2, 4)),
        ({"distribution": "uniform", "min": 2, "max": 6}, stats.uniform(2, 4)),
        ({"distribution": "beta", "alpha": 2, "beta": 5}, stats.beta(2, 5)),
        ({"distribution": "beta", "alpha": 0.5, "beta": 3, "min": 10, "max": 30}, stats.beta(0.5, 3, 10, 20)),
        ({"distribution": "gamma", "shape": 0.7, "scale": 40}, stats.gamma(0.7, scale=40)),
    ],
)
def test_each_driver_has_its_distribution_also_when_correlated(
    driver: dict[str, Any], distribution: Any
) -> None:
    first = {"path": "revenue.0.arpa"} | driver
    correlated = simulation(drivers=[CHURN, first], correlation=[[1, 0.8], [0.8, 1]], simulations=20_000)
    for asked in (simulation(drivers=[first], simulations=20_000), correlated):
        drawn = draw(asked)
        assert drawn.moved[-1] == 0
        assert stats.kstest(drawn.values[-1], distribution.cdf).pvalue > 0.01


def test_drivers_have_the_dependence_of_a_gaussian_copula() -> None:
    correlation = [[1, 0.7, -0.5], [0.7, 1, 0], [-0.5, 0, 1]]
    drawn = draw(simulation(drivers=[CHURN, ARPA, NEW], correlation=correlation, simulations=20_000))
    for one in range(3):
        for other in range(one):
            expected = 6 / math.pi * math.asin(correlation[one][other] / 2)
            found = stats.spearmanr(drawn.values[one], drawn.values[other]).statistic
            assert found == pytest.approx(expected, abs=0.025), (one, other)


def test_drivers_can_move_as_one() -> None:
    drawn = draw(simulation(drivers=[CHURN, ARPA], correlation=[[1, 1], [1, 1]]))
    assert rank_correlation(drawn.values[0], drawn.values[1]) == pytest.approx(1)


@pytest.mark.parametrize("given", [REFERENCE, FULL], ids=["reference", "full"])
def test_each_simulation_is_what_the_engine_makes_of_its_draws(given: dict[str, Any]) -> None:
    more = [
        {"path": "cogsPct", "distribution": "beta", "alpha": 2, "beta": 8},
        {"path": "opex.0.growth", "distribution": "normal", "mean": 0, "sigma": 0.01},
        {"path": "taxRate", "distribution": "uniform", "min": 0.1, "max": 0.3},
        {"path": "dso", "distribution": "uniform", "min": 10, "max": 60},
    ]
    asked = simulation(modelRun=given, drivers=[CHURN, ARPA, NEW, CASH, *more], simulations=1500)
    drawn = draw(asked)
    outcomes = live_through(asked, drawn, silent)
    ends = runways(outcomes)
    paths = [driver.path for driver in asked.drivers]
    for place in (0, 1, 999, 1000, 1499):
        values: Any = [float(drivers[place]) for drivers in drawn.values]
        drivers = with_draws(drivers_of(asked.model_run), paths, values)
        company = Company(drivers)
        months = [company.next_month() for _ in range(asked.model_run.months)]
        assert outcomes.cash[:, place] == pytest.approx([month.cash for month in months], rel=1e-12, abs=1e-6)
        assert outcomes.revenue[:, place] == pytest.approx([month.revenue for month in months], rel=1e-12)
        runway = runway_months(drivers.opening_cash, months, cash_out_month(months))
        assert ends[place] == pytest.approx(math.inf if runway is None else runway)


def test_percentiles_and_chances_are_those_of_the_simulations() -> None:
    asked = simulation(drivers=[CHURN, NEW])
    outcomes = live_through(asked, draw(asked), silent)
    result = simulated(drivers=[CHURN, NEW])
    assert [row["period"] for row in result["monthly"]][:2] == ["2027-01", "2027-02"]
    for row in result["monthly"]:
        cash = outcomes.cash[row["month"] - 1]
        expected = {f"p{percent}": round(np.percentile(cash, percent), 2) for percent in (5, 25, 50, 75, 95)}
        assert row["cash"] == expected
        so_far = outcomes.cash[: row["month"]].min(axis=0)
        assert row["cashBelowZero"] == pytest.approx((so_far < -0.005).mean())
    assert result["cashBelowZero"] == result["monthly"][-1]["cashBelowZero"]


def test_a_runway_that_outlasts_the_horizon_is_null() -> None:
    drivers = [{"path": "openingCash", "distribution": "uniform", "min": 0, "max": 2_000_000}]
    result = simulated(drivers=drivers)
    runway = list(result["runwayMonths"].values())
    assert runway[0] is not None
    assert runway[-1] is None
    assert 0 < result["cashBelowZero"] < 1


def test_drivers_that_hardly_vary_give_the_model_run() -> None:
    drivers = [{"path": "revenue.0.churnRate", "distribution": "normal", "mean": 0.03, "sigma": 1e-12}]
    result = simulated(drivers=drivers)
    assert result["monthly"][11]["cash"]["p50"] == -51_939.80
    assert result["runwayMonths"]["p50"] == 10.8649


def test_the_tornado_has_the_strongest_driver_first_and_agrees_with_scipy() -> None:
    drivers = [{**ARPA, "sigma": 0.5}, CHURN, CASH]
    tornado = simulated(drivers=drivers)["tornado"]
    assert [effect["path"] for effect in tornado] == ["openingCash", "revenue.0.churnRate", "revenue.0.arpa"]
    asked = simulation(drivers=drivers)
    drawn = draw(asked)
    closing = live_through(asked, drawn, silent).cash[-1]
    for effect, values in zip(tornado, (drawn.values[2], drawn.values[1], drawn.values[0]), strict=True):
        assert effect["rankCorrelation"] == pytest.approx(stats.spearmanr(values, closing).statistic)


def test_equal_values_share_their_rank() -> None:
    values = np.array([3.0, 1.0, 3.0, 2.0, 3.0, 1.0])
    assert ranks(values).tolist() == stats.rankdata(values).tolist()
    assert rank_correlation(values, np.ones(6)) is None


def test_draws_out_of_bounds_are_moved_and_counted() -> None:
    driver = {"path": "revenue.0.churnRate", "distribution": "normal", "mean": 0, "sigma": 0.01}
    (effect,) = simulated(drivers=[driver], simulations=20_000)["tornado"]
    assert effect["moved"] == pytest.approx(0.5, abs=0.02)
    assert draw(simulation(drivers=[driver])).values[0].min() == 0


def test_the_seed_alone_decides() -> None:
    assert simulated() == simulated()
    assert simulated() != simulated(seed=8)


def test_progress_tells_the_simulations_done_and_a_cancel_is_heard() -> None:
    run = run_handler(crew, "monte_carlo", PAYLOAD | {"simulations": 2500})
    assert [said["message"] for said in run.progress] == [
        "Simulated 1,000 of 2,500 paths",
        "Simulated 2,000 of 2,500 paths",
        "Simulated 2,500 of 2,500 paths",
    ]
    assert isinstance(run_handler(crew, "monte_carlo", PAYLOAD, stop_at_progress=1).outcome, Released)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"drivers": [CHURN | {"min": 0.04}]}, "min 0.04 is above mode 0.03"),
        ({"drivers": [CHURN | {"max": 0.025}]}, "mode 0.03 is above max 0.025"),
        ({"drivers": [CASH | {"max": 300_000}]}, "does not vary"),
        ({"drivers": [ARPA | {"sigma": 0}]}, "payload.drivers[0].sigma"),
        ({"drivers": [NEW | {"scale": -1}]}, "payload.drivers[0].scale"),
        ({"drivers": [CHURN | {"distribution": "weibull"}]}, "payload.drivers[0].distribution"),
        ({"drivers": []}, "payload.drivers"),
        ({"drivers": [CHURN, CHURN]}, "each path can vary once"),
        ({"drivers": [CHURN | {"path": "revenue.1.churnRate"}]}, "payload.drivers.0.path is unknown"),
        ({"drivers": [CASH | {"path": "opex.0.from"}]}, "opex.0.from does not vary"),
        ({"drivers": [CASH | {"path": "revenue.0.name"}]}, "revenue.0.name does not vary"),
        ({"drivers": [CASH | {"path": "revenue"}]}, "revenue does not vary"),
        ({"drivers": [CASH | {"path": "revenue.0"}]}, "payload.drivers.0.path is unknown"),
        ({"drivers": [ARPA | {"mean": 1e12}]}, "payload.drivers lead to figures beyond"),
        ({"correlation": [[1, 0], [0, 1]]}, "correlation must have 1 rows of 1"),
        ({"drivers": [CHURN, ARPA], "correlation": [[1, 0.5], [0.4, 1]]}, "correlation.1.0 and .0.1"),
        ({"drivers": [CHURN, ARPA], "correlation": [[1, 0.5], [0.5, 0.9]]}, "correlation.1.1 must be 1"),
        (
            {"drivers": [CHURN, ARPA, NEW], "correlation": [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]},
            "not positive semi-definite",
        ),
        ({"modelRun": REFERENCE | {"months": 121}}, "modelRun.months is 121"),
        ({"modelRun": REFERENCE | {"cogsPct": 20}}, "payload.modelRun.cogsPct"),
        ({"simulations": 20_001}, "payload.simulations"),
        ({"percentiles": [101]}, "payload.percentiles"),
    ],
)
def test_what_cannot_be_is_refused_and_named(changes: dict[str, Any], complaint: str) -> None:
    assert complaint in refusal(**changes)


def test_the_largest_simulation_needs_the_memory_of_its_figures_a_few_times() -> None:
    given = {"modelRun": FULL | {"months": 120, "headcount": []}, "drivers": [CHURN, ARPA, NEW]}
    asked = simulation(**given, simulations=20_000)
    tracemalloc.start()
    try:
        result = simulate(asked, silent)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(result.monthly) == 120
    figures_bytes = 2 * 120 * 20_000 * 8
    assert peak_bytes < 2 * figures_bytes
