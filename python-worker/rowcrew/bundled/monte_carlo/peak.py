"""Draws paths where an option's price comes from, if plain paths would seldom get there.

In: the option's type, spread and strike. Out: samples whose mean is the price of the call, of the put, or of
the stock with a call written on it. Each of the three follows from any other (put-call parity), so the one
that is worth least is drawn. Plain paths of a call with 100 % volatility over ten years give too low a price
and, worse, too small a standard error: the few paths that matter are never drawn.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    from rowcrew.bundled.monte_carlo.draws import Values

OptionType = Literal["call", "put"]
Drawn = Literal["call", "put", "covered"]

WIDEST_PLAIN_SPREAD: Final = 1.0
# Below it no path leaves the forward price by a digit that a float has, and quotients by it may be infinite.
LEAST_SPREAD: Final = sys.float_info.epsilon
LEAST_PLAIN_HITS: Final = 1_000
_HALVINGS: Final = 60


class Peak(msgspec.Struct, frozen=True):
    """Importance sampling around the point where payoff times density is greatest (P. Glasserman, 2004).

    The logarithm of each payoff is concave, so no sample is worth more than the one at this point: there is
    no tail that a sample could miss, and the confidence interval is what it says.

    Attributes:
        drawn: what the samples are of; `covered` is the lesser of stock and strike.
        spread: the standard deviation of the stock's logarithm at maturity.
        strike: the standard normal at which the stock is at the strike.
        shift: the standard normal around which the paths are drawn.
    """

    drawn: Drawn
    spread: float
    strike: float
    shift: float

    def samples(self, normals: Values, stock: float, cash: float) -> Values:
        """Discounted payoffs, each weighted by how likely plain paths draw it, relative to these."""
        import numpy as np

        weights = -self.shift * normals - self.shift**2 / 2
        growth = self.spread * (self.shift + normals) - self.spread**2 / 2
        stocks = stock * np.exp(growth + weights)
        strikes = cash * np.exp(weights)
        found: Values
        match self.drawn:
            case "call":
                found = np.maximum(stocks - strikes, 0.0)
            case "put":
                found = np.maximum(strikes - stocks, 0.0)
            case "covered":
                found = np.minimum(stocks, strikes)
        return found

    def price(self, mean: float, option_type: OptionType, stock: float, cash: float) -> float:
        """The option's price from the mean of the samples."""
        match self.drawn, option_type:
            case "call", "put":
                return mean - stock + cash
            case "put", "call":
                return mean + stock - cash
            case "covered", "call":
                return stock - mean
            case "covered", "put":
                return cash - mean
            case _:
                return mean


def peak_of(option_type: OptionType, spread: float, log_moneyness: float, paths: int) -> Peak | None:
    """Where to draw; None where plain paths see enough: a narrow spread, and payoffs on a thousand of them or
    the same on all.

    Args:
        log_moneyness: the logarithm of strike to stock, both as they are worth today.
        paths: how many will be drawn.
    """
    if spread < LEAST_SPREAD:
        return None
    strike = log_moneyness / spread + spread / 2
    paying = _above(strike) if option_type == "call" else _above(-strike)
    if spread <= WIDEST_PLAIN_SPREAD and paths * paying >= LEAST_PLAIN_HITS:
        return None
    if strike >= spread:
        shift = _root(strike, lambda z: z + spread / math.expm1(spread * (strike - z)))
        return Peak("call", spread, strike, shift)
    if strike <= 0:
        shift = _root(-strike, lambda z: z - spread / math.expm1(spread * (z + strike)))
        return Peak("put", spread, strike, -shift)
    return Peak("covered", spread, strike, strike)


def _above(point: float) -> float:
    """How likely a standard normal is above this point."""
    return math.erfc(point / math.sqrt(2)) / 2


def _root(low: float, rising: Callable[[float], float]) -> float:
    """Where a function is 0 that rises from minus infinity at `low`, and is not negative one above."""
    near, far = low, low + 1.0
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        if middle in (near, far):
            break
        near, far = (middle, far) if rising(middle) < 0 else (near, middle)
    return far
