"""Prices a European option by simulating the paths of its underlying: a model of `monte_carlo`.

In: the option. Out: the price with its standard error. Paths are drawn in chunks, each from its own child of
the seed, and merged in chunk order: the answer depends on the payload alone, and memory on the size of one
chunk. Where plain paths would hardly see what the price hangs on, `peak` says what is drawn instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from rowcrew.bundled.monte_carlo.draws import NORMAL_97_5, Seed, generator
from rowcrew.bundled.monte_carlo.peak import Peak, peak_of

if TYPE_CHECKING:
    from rowcrew.bundled.monte_carlo.draws import Values

CHUNK_PATHS: Final = 100_000
MOST_PATHS: Final = 50_000_000

Amount = Annotated[float, Meta(gt=0, le=1e12)]
AnnualRate = Annotated[float, Meta(ge=-1, le=1)]


class EuropeanOption(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel",
    tag_field="model", tag="european_option",
):  # fmt: skip
    """A European call or put on an underlying that follows geometric Brownian motion.

    Rates, yield and volatility are per year, as fractions and continuously compounded: 0.05 is 5 %.
    """

    spot: Amount
    strike: Amount
    rate: AnnualRate
    volatility: Annotated[float, Meta(gt=0, le=5)]
    maturity_years: Annotated[float, Meta(gt=0, le=50)]
    dividend_yield: AnnualRate = 0.0
    option_type: Literal["call", "put"] = "call"
    paths: Annotated[int, Meta(ge=100, le=MOST_PATHS)] = 1_000_000
    seed: Seed = 0
    antithetic: bool = True

    def __post_init__(self) -> None:
        if self.antithetic and self.paths % 2:
            raise ValueError(f"paths must be even when antithetic is true, not {self.paths}")

    @property
    def spread(self) -> float:
        """The standard deviation of the underlying's logarithm at maturity."""
        return self.volatility * math.sqrt(self.maturity_years)

    @property
    def stock(self) -> float:
        """What the underlying at maturity is worth today."""
        return self.spot * math.exp(-self.dividend_yield * self.maturity_years)

    @property
    def cash(self) -> float:
        """What the strike at maturity is worth today."""
        return self.strike * math.exp(-self.rate * self.maturity_years)


class Price(msgspec.Struct, frozen=True, rename="camel"):
    """The result: the price as simulated, its standard error and 95 % confidence interval."""

    price: float
    standard_error: float
    ci95: tuple[float, float]
    paths: int
    seed: int


class Moments(msgspec.Struct, frozen=True):
    """Count, mean and sum of squared deviations of the samples of some chunks."""

    count: int
    mean: float
    squares: float

    def merged(self, other: Moments) -> Moments:
        """The moments of both, by the formula of Chan, Golub and LeVeque (1979), which cancels no digits."""
        count = self.count + other.count
        gap = other.mean - self.mean
        mean = self.mean + gap * other.count / count
        return Moments(
            count, mean, self.squares + other.squares + gap * gap * self.count * other.count / count
        )

    @property
    def standard_error(self) -> float:
        return math.sqrt(self.squares / (self.count - 1) / self.count)


def price(option: EuropeanOption, tell: Callable[[int], None]) -> Price:
    """Simulate all chunks, telling the paths done after each."""
    moments: list[Moments] = []
    for chunk in range(chunk_count(option)):
        moments.append(simulate_chunk(option, chunk))
        tell(min((chunk + 1) * CHUNK_PATHS, option.paths))
    return price_of(option, moments)


def chunk_count(option: EuropeanOption) -> int:
    """How many chunks the paths fill; the last may be smaller."""
    return math.ceil(option.paths / CHUNK_PATHS)


def simulate_chunk(option: EuropeanOption, chunk: int) -> Moments:
    """The moments of one chunk's discounted payoffs. With antithetic paths a sample is the mean of a pair."""
    peak = _peak(option)
    if peak is None:
        payoffs = _payoffs(option, terminal_prices(option, chunk))
    else:
        payoffs = peak.samples(_normals(option, chunk), option.stock, option.cash)
    if option.antithetic:
        pairs = len(payoffs) // 2
        payoffs = (payoffs[:pairs] + payoffs[pairs:]) / 2
    mean = float(payoffs.mean())
    return Moments(len(payoffs), mean, float(((payoffs - mean) ** 2).sum()))


def terminal_prices(option: EuropeanOption, chunk: int) -> Values:
    """The underlying's prices at maturity on the paths of one chunk; antithetic twins in the second half."""
    import numpy as np

    normals = _normals(option, chunk)
    drift = option.rate - option.dividend_yield - option.volatility**2 / 2
    return option.spot * np.exp(drift * option.maturity_years + option.spread * normals)


def price_of(option: EuropeanOption, moments: Iterable[Moments]) -> Price:
    """The result from the moments of all chunks, in chunk order."""
    first, *others = moments
    total = first
    for chunk in others:
        total = total.merged(chunk)
    margin = NORMAL_97_5 * total.standard_error
    peak = _peak(option)
    price = (
        total.mean if peak is None else peak.price(total.mean, option.option_type, option.stock, option.cash)
    )
    return Price(
        price=price,
        standard_error=total.standard_error,
        ci95=(price - margin, price + margin),
        paths=option.paths,
        seed=option.seed,
    )


def _peak(option: EuropeanOption) -> Peak | None:
    """Where to draw around; None where plain paths will do."""
    return peak_of(option.option_type, option.spread, math.log(option.cash / option.stock), option.paths)


def _normals(option: EuropeanOption, chunk: int) -> Values:
    """What drives the paths of one chunk; antithetic twins in the second half."""
    import numpy as np

    paths = min(CHUNK_PATHS, option.paths - chunk * CHUNK_PATHS)
    normals = generator(option.seed, chunk).standard_normal(paths // 2 if option.antithetic else paths)
    return np.concatenate((normals, -normals)) if option.antithetic else normals


def _payoffs(option: EuropeanOption, prices: Values) -> Values:
    import numpy as np

    gains = prices - option.strike if option.option_type == "call" else option.strike - prices
    payoffs: Values = np.maximum(gains, 0.0) * math.exp(-option.rate * option.maturity_years)
    return payoffs
