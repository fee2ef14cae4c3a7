"""Measures what a portfolio may lose within some days: a model of `monte_carlo`.

In: positions whose prices follow correlated geometric Brownian motions. Out: the loss that is exceeded with a
given small probability, and the mean loss beyond it. Memory holds one chunk and the worst losses so far.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from rowcrew.bundled.model_run.saas_model import Name, Part, SignedAmount
from rowcrew.bundled.monte_carlo.draws import (
    NORMAL_97_5,
    Correlation,
    Seed,
    generator,
    mixing_matrix,
    require_correlation,
)

if TYPE_CHECKING:
    from rowcrew.bundled.monte_carlo.draws import Values

CHUNK_PATHS: Final = 20_000
MOST_PATHS: Final = 10_000_000
TRADING_DAYS: Final = 252
# With fewer paths beyond the value at risk, its interval would end at the worst path drawn.
LEAST_BEYOND: Final = 10


class Position(Part, frozen=True, kw_only=True):
    """What is held, negative if sold short; drift and volatility are per year, as fractions."""

    name: Name
    value: SignedAmount
    volatility: Annotated[float, Meta(gt=0, le=5)]
    drift: Annotated[float, Meta(ge=-1, le=1)] = 0.0


class PortfolioVar(Part, frozen=True, kw_only=True, tag_field="model", tag="portfolio_var"):
    """A portfolio, how long it is held, in trading days of 252 a year, and how sure the answer is to be."""

    positions: Annotated[tuple[Position, ...], Meta(min_length=1, max_length=100)]
    correlation: Correlation = ()
    horizon_days: Annotated[int, Meta(ge=1, le=2520)] = 10
    confidence: Annotated[float, Meta(ge=0.9, le=0.9999)] = 0.99
    paths: Annotated[int, Meta(ge=10_000, le=MOST_PATHS)] = 100_000
    seed: Seed = 0

    def __post_init__(self) -> None:
        require_correlation(self.correlation, len(self.positions))
        needed = math.ceil(round(LEAST_BEYOND / (1 - self.confidence), 6))
        if self.paths < needed:
            raise ValueError(
                f"paths must be at least {needed:,} with a confidence of {self.confidence:g}: "
                f"{self.paths:,} hardly see such a loss"
            )


class ValueAtRisk(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The result, in the unit of the positions' values; a gain is a negative loss.

    Attributes:
        value_at_risk: the loss that only a share of 1 - confidence of the paths reaches.
        ci95: its 95 % confidence interval, from the order of the losses alone.
        expected_shortfall: the mean loss of these paths.
    """

    value_at_risk: float
    ci95: tuple[float, float]
    expected_shortfall: float
    confidence: float
    horizon_days: int
    paths: int
    seed: int


def value_at_risk(portfolio: PortfolioVar, tell: Callable[[int], None]) -> ValueAtRisk:
    """Simulate all chunks, telling the paths done after each.

    Raises:
        PermanentError: the correlation is not positive semi-definite.
    """
    import numpy as np

    mixing = mixing_matrix(portfolio.correlation, len(portfolio.positions))
    reaching, nearest, farthest = _places(portfolio)
    worst = np.empty(0)
    for start in range(0, portfolio.paths, CHUNK_PATHS):
        losses = simulate_chunk(portfolio, mixing, start // CHUNK_PATHS)
        worst = _largest(np.concatenate((worst, losses)), farthest)
        tell(start + len(losses))
    worst = np.sort(worst)[::-1]
    return ValueAtRisk(
        value_at_risk=float(worst[reaching - 1]),
        ci95=(float(worst[farthest - 1]), float(worst[nearest - 1])),
        expected_shortfall=float(worst[:reaching].mean()),
        confidence=portfolio.confidence,
        horizon_days=portfolio.horizon_days,
        paths=portfolio.paths,
        seed=portfolio.seed,
    )


def simulate_chunk(portfolio: PortfolioVar, mixing: Values, chunk: int) -> Values:
    """The losses on the paths of one chunk."""
    import numpy as np

    paths = min(CHUNK_PATHS, portfolio.paths - chunk * CHUNK_PATHS)
    years = portfolio.horizon_days / TRADING_DAYS
    returns = generator(portfolio.seed, chunk).standard_normal((paths, len(mixing))) @ mixing
    volatility = np.array([position.volatility for position in portfolio.positions])
    drift = np.array([position.drift for position in portfolio.positions])
    returns *= volatility * math.sqrt(years)
    returns += (drift - volatility**2 / 2) * years
    losses: Values = -np.expm1(returns) @ np.array([position.value for position in portfolio.positions])
    return losses


def _largest(losses: Values, count: int) -> Values:
    import numpy as np

    return losses if len(losses) <= count else np.partition(losses, len(losses) - count)[-count:]


def _places(portfolio: PortfolioVar) -> tuple[int, int, int]:
    """How many of the worst paths reach the value at risk, and the upper and lower end of its interval."""
    paths, beyond = portfolio.paths, 1 - portfolio.confidence
    reaching = math.floor(paths * beyond + 1e-9) + 1
    margin = NORMAL_97_5 * math.sqrt(paths * beyond * (1 - beyond))
    return reaching, max(1, math.floor(reaching - margin)), math.ceil(reaching + margin)
