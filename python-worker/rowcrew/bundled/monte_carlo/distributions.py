"""How a driver of a model may vary: the distributions that a payload names.

In: the driver's path and the parameters of its distribution. Out: draws. Called by `driver_simulation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from rowcrew.bundled.model_run.saas_model import Name, Part

if TYPE_CHECKING:
    import numpy as np

    from rowcrew.bundled.monte_carlo.draws import Values

Number = Annotated[float, Meta(ge=-1e12, le=1e12)]
AboveZero = Annotated[float, Meta(gt=0, le=1e12)]


class Varied(Part, frozen=True, kw_only=True, tag_field="distribution"):
    """A driver, by its path as in scenarios, and how it is distributed."""

    path: Name


class Normal(Varied, frozen=True, kw_only=True, tag="normal"):
    """Mean and standard deviation."""

    mean: Number
    sigma: AboveZero

    def draw(self, stream: np.random.Generator, count: int) -> Values:
        return stream.normal(self.mean, self.sigma, count)


class Lognormal(Varied, frozen=True, kw_only=True, tag="lognormal"):
    """Mean and standard deviation of the logarithm."""

    mu: Annotated[float, Meta(ge=-30, le=30)]
    sigma: Annotated[float, Meta(gt=0, le=10)]

    def draw(self, stream: np.random.Generator, count: int) -> Values:
        return stream.lognormal(self.mu, self.sigma, count)


class Triangular(Varied, frozen=True, kw_only=True, tag="triangular"):
    """From min to max, most often near mode."""

    min: Number
    mode: Number
    max: Number

    def __post_init__(self) -> None:
        _require_order(self.path, min=self.min, mode=self.mode, max=self.max)

    def draw(self, stream: np.random.Generator, count: int) -> Values:
        return stream.triangular(self.min, self.mode, self.max, count)


class Uniform(Varied, frozen=True, kw_only=True, tag="uniform"):
    """All between min and max alike."""

    min: Number
    max: Number

    def __post_init__(self) -> None:
        _require_order(self.path, min=self.min, max=self.max)

    def draw(self, stream: np.random.Generator, count: int) -> Values:
        return stream.uniform(self.min, self.max, count)


class Beta(Varied, frozen=True, kw_only=True, tag="beta"):
    """The beta distribution, stretched from min to max."""

    alpha: AboveZero
    beta: AboveZero
    min: Number = 0.0
    max: Number = 1.0

    def __post_init__(self) -> None:
        _require_order(self.path, min=self.min, max=self.max)

    def draw(self, stream: np.random.Generator, count: int) -> Values:
        return self.min + (self.max - self.min) * stream.beta(self.alpha, self.beta, count)


class Gamma(Varied, frozen=True, kw_only=True, tag="gamma"):
    """The gamma distribution; its mean is shape * scale."""

    shape: AboveZero
    scale: AboveZero

    def draw(self, stream: np.random.Generator, count: int) -> Values:
        return stream.gamma(self.shape, self.scale, count)


Distribution = Normal | Lognormal | Triangular | Uniform | Beta | Gamma


def _require_order(path: str, **values: float) -> None:
    """Refuse values that do not rise, or that leave no room between the first and the last."""
    names, numbers = list(values), list(values.values())
    for place in range(1, len(names)):
        if numbers[place - 1] > numbers[place]:
            raise ValueError(
                f"{names[place - 1]} {numbers[place - 1]} is above {names[place]} {numbers[place]} for {path}"
            )
    if numbers[0] == numbers[-1]:
        raise ValueError(f"{names[0]} and {names[-1]} are both {numbers[0]} for {path}, which does not vary")
