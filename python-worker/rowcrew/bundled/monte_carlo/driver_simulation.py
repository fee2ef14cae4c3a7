"""Varies the drivers of a `model_run` at random, to see revenue, cash and runway: a model of `monte_carlo`.

In: a model, the distributions of some drivers and their correlation. Out: percentiles month by month, the
chance of running out of cash, and which driver matters most. The months come from the engine of `model_run`,
which takes an array of draws for a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta

from rowcrew.bundled.model_run.driver_paths import UnknownPath, bounds, changed
from rowcrew.bundled.model_run.payload import ModelRun, drivers_of
from rowcrew.bundled.model_run.result import period
from rowcrew.bundled.model_run.saas_model import HALF_CENT, LARGEST_FIGURE, Company, Drivers, Part
from rowcrew.bundled.monte_carlo.distributions import Distribution
from rowcrew.bundled.monte_carlo.draws import (
    Correlation,
    Seed,
    generator,
    mixing_matrix,
    rank_correlation,
    require_correlation,
)
from rowcrew.context import PermanentError

if TYPE_CHECKING:
    from rowcrew.bundled.monte_carlo.draws import Values

MOST_SIMULATIONS: Final = 20_000
MOST_MONTHS: Final = 120
AT_ONCE: Final = 1_000

Percent = Annotated[float, Meta(ge=0, le=100)]


class DriverSimulation(Part, frozen=True, kw_only=True, tag_field="model", tag="driver_simulation"):
    """A model with drivers that vary.

    Attributes:
        model_run: as the payload of `model_run`; scenarios and children do not count.
        drivers: what varies.
        correlation: between the drivers, in their order, by a Gaussian copula; none: they are independent.
        percentiles: which ones to tell, 0 to 100.
    """

    model_run: ModelRun
    drivers: Annotated[tuple[Distribution, ...], Meta(min_length=1, max_length=50)]
    correlation: Correlation = ()
    simulations: Annotated[int, Meta(ge=100, le=MOST_SIMULATIONS)] = 5_000
    seed: Seed = 0
    percentiles: Annotated[tuple[Percent, ...], Meta(min_length=1, max_length=20)] = (5, 25, 50, 75, 95)

    def __post_init__(self) -> None:
        if self.model_run.months > MOST_MONTHS:
            raise ValueError(
                f"modelRun.months is {self.model_run.months}; a simulation takes up to {MOST_MONTHS}"
            )
        paths = [driver.path for driver in self.drivers]
        if len(set(paths)) < len(paths):
            raise ValueError("drivers: each path can vary once")
        require_correlation(self.correlation, len(self.drivers))


class SimulatedMonth(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Percentiles by name, like `p5`, and the share of simulations out of cash in this month or earlier."""

    month: int
    period: str
    revenue: dict[str, float]
    cash: dict[str, float]
    cash_below_zero: float


class DriverEffect(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a driver moves closing cash: Spearman's rank correlation of the two.

    `moved` is the share of the driver's draws that were out of its bounds and moved to them.
    """

    path: str
    rank_correlation: float | None
    moved: float


class SimulatedModel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The result. A percentile of the runway is null if in that simulation cash lasts to the end.

    `tornado` has the drivers, the strongest first.
    """

    monthly: list[SimulatedMonth]
    cash_below_zero: float
    runway_months: dict[str, float | None]
    tornado: list[DriverEffect]
    currency: str
    simulations: int
    seed: int


class Draws(msgspec.Struct, frozen=True):
    """The values of each driver, and the share of them that had to be moved into the driver's bounds."""

    values: list[Values]
    moved: list[float]


class Outcomes(msgspec.Struct, frozen=True):
    """Revenue and cash by month and simulation, and the opening cash of each simulation."""

    revenue: Values
    cash: Values
    opening_cash: Values


def simulate(payload: DriverSimulation, tell: Callable[[int], None]) -> SimulatedModel:
    """Draw the drivers, live through the months of all simulations, telling those done, and sum up.

    Raises:
        PermanentError: a path leads to no driver, the correlation is impossible, or figures grow too large.
    """
    import numpy as np

    drawn = draw(payload)
    outcomes = live_through(payload, drawn, tell)
    out = np.logical_or.accumulate(outcomes.cash < -HALF_CENT, axis=0).mean(axis=1)
    percents = payload.percentiles
    return SimulatedModel(
        monthly=[
            SimulatedMonth(
                month=month + 1,
                period=period(payload.model_run.start_month, month + 1),
                revenue=_named(percents, np.percentile(outcomes.revenue[month], percents)),
                cash=_named(percents, np.percentile(outcomes.cash[month], percents)),
                cash_below_zero=float(out[month]),
            )
            for month in range(payload.model_run.months)
        ],
        cash_below_zero=float(out[-1]),
        runway_months=_runway_percentiles(percents, runways(outcomes)),
        tornado=_tornado(payload, drawn, outcomes.cash[-1]),
        currency=payload.model_run.currency,
        simulations=payload.simulations,
        seed=payload.seed,
    )


def draw(payload: DriverSimulation) -> Draws:
    """A value of each driver for each simulation.

    Each driver's sample is drawn alone, then put in the order of correlated normal draws. So each driver
    keeps its distribution, and together they have the dependence of a Gaussian copula.
    """
    import numpy as np

    size, count = len(payload.drivers), payload.simulations
    mixing = mixing_matrix(payload.correlation, size)
    stream = generator(payload.seed, 0)
    normals = stream.standard_normal((count, size)) @ mixing
    model = drivers_of(payload.model_run)
    drawn = Draws([], [])
    for place, driver in enumerate(payload.drivers):
        ordered = np.empty(count)
        ordered[np.argsort(normals[:, place])] = np.sort(driver.draw(stream, count))
        allowed = _bounds(model, driver.path, place)
        values = np.clip(ordered, allowed.least, allowed.greatest)
        drawn.values.append(values)
        drawn.moved.append(float((values != ordered).mean()))
    return drawn


def live_through(payload: DriverSimulation, drawn: Draws, tell: Callable[[int], None]) -> Outcomes:
    """All months of all simulations, some simulations at once; tells how many are done."""
    import numpy as np

    model, months, count = drivers_of(payload.model_run), payload.model_run.months, payload.simulations
    paths = [driver.path for driver in payload.drivers]
    outcomes = Outcomes(np.empty((months, count)), np.empty((months, count)), np.empty(count))
    for start in range(0, count, AT_ONCE):
        block = slice(start, min(start + AT_ONCE, count))
        drivers = with_draws(model, paths, [values[block] for values in drawn.values])
        company = Company(drivers)
        outcomes.opening_cash[block] = drivers.opening_cash
        with np.errstate(over="ignore", invalid="ignore"):
            for place in range(months):
                month = company.next_month()
                outcomes.revenue[place, block] = month.revenue
                outcomes.cash[place, block] = month.cash
        _require_holdable(outcomes.revenue[:, block], outcomes.cash[:, block])
        tell(block.stop)
    return outcomes


def with_draws(model: Drivers, paths: Iterable[str], values: Iterable[Values]) -> Drivers:
    """The model with an array in place of each varied driver."""
    for path, drawn in zip(paths, values, strict=True):
        model = changed(model, path, _replacement(drawn))
    return model


def runways(outcomes: Outcomes) -> Values:
    """When the cash of each simulation crosses zero, in months; infinite where it does not."""
    import numpy as np

    out = outcomes.cash < -HALF_CENT
    first = out.argmax(axis=0)
    each = np.arange(outcomes.cash.shape[1])
    after = outcomes.cash[first, each]
    before = np.maximum(np.where(first == 0, outcomes.opening_cash, outcomes.cash[first - 1, each]), 0.0)
    ends = out.any(axis=0)
    result: Values = np.where(ends, first + before / np.where(ends, before - after, 1.0), np.inf)
    return result


def _replacement(values: Values) -> Callable[[Any], Any]:
    return lambda _: values


def _require_holdable(*figures: Values) -> None:
    if not all((abs(each) <= LARGEST_FIGURE).all() for each in figures):
        raise PermanentError(
            f"payload.drivers lead to figures beyond {LARGEST_FIGURE:.0e}: narrow their distributions"
        )


def _bounds(model: Drivers, path: str, place: int) -> Any:
    try:
        return bounds(model, path)
    except UnknownPath as error:
        raise PermanentError(f"payload.drivers.{place}.path is unknown: {path!r}; {error}") from error


def _tornado(payload: DriverSimulation, drawn: Draws, closing_cash: Values) -> list[DriverEffect]:
    effects = [
        DriverEffect(path=driver.path, rank_correlation=rank_correlation(values, closing_cash), moved=moved)
        for driver, values, moved in zip(payload.drivers, drawn.values, drawn.moved, strict=True)
    ]
    return sorted(effects, key=lambda effect: -abs(effect.rank_correlation or 0.0))


def _named(percents: Sequence[float], amounts: Values) -> dict[str, float]:
    """Amounts by the name of their percentile, in cents."""
    return {
        f"p{percent:g}": round(float(amount), 2) + 0.0
        for percent, amount in zip(percents, amounts, strict=True)
    }


def _runway_percentiles(percents: Sequence[float], values: Values) -> dict[str, float | None]:
    """The nearest simulation's runway: between a number and infinity there is nothing to interpolate."""
    import numpy as np

    ordered = np.sort(values)
    named = {}
    for percent in percents:
        place = max(0, math.ceil(percent / 100 * len(ordered)) - 1)
        value = float(ordered[place])
        named[f"p{percent:g}"] = round(value, 4) if math.isfinite(value) else None
    return named
