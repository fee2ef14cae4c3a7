"""Random numbers of `monte_carlo`: reproducible streams, and normal draws that are correlated.

In: a seed, and a correlation matrix as a payload has it. Out: numpy generators and arrays. numpy is imported
where it is used, so that importing the job types costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

from rowcrew.context import PermanentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]

NORMAL_97_5: Final = 1.959963984540054
_ROUNDING: Final = 1e-9

Seed = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Correlation = tuple[tuple[Annotated[float, Meta(ge=-1, le=1)], ...], ...]


def generator(seed: int, chunk: int) -> np.random.Generator:
    """The chunk's own stream: the child that `SeedSequence(seed).spawn` gives in the chunk's place."""
    import numpy as np

    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(chunk,))))


def require_correlation(correlation: Correlation, size: int) -> None:
    """Refuse a matrix that is no correlation matrix of that size; an empty one is fine.

    Raises:
        ValueError: says what is wrong, and in which place, counted from 0.
    """
    if not correlation:
        return
    if [len(row) for row in correlation] != [size] * size:
        raise ValueError(f"correlation must have {size} rows of {size} numbers")
    for place, row in enumerate(correlation):
        if row[place] != 1:
            raise ValueError(f"correlation.{place}.{place} must be 1, not {row[place]}")
        for other in range(place):
            if row[other] != correlation[other][place]:
                raise ValueError(f"correlation.{place}.{other} and .{other}.{place} must be equal")


def mixing_matrix(correlation: Correlation, size: int) -> Values:
    """The matrix that makes independent normal draws correlated, by multiplication.

    Raises:
        PermanentError: the correlation is not positive semi-definite.
    """
    import numpy as np

    if not correlation:
        return np.eye(size)
    eigenvalues, vectors = np.linalg.eigh(np.array(correlation))
    if eigenvalues[0] < -_ROUNDING * size:
        raise PermanentError(
            "payload.correlation is not positive semi-definite: "
            f"its least eigenvalue is {eigenvalues[0]:.4g}; no variables have all these correlations at once"
        )
    mixing: Values = (vectors * np.sqrt(np.maximum(eigenvalues, 0.0))).T
    return mixing


def ranks(values: Values) -> Values:
    """The place of each value in order of size; equal values share the mean of their places."""
    import numpy as np

    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    shared: Values = (counts.cumsum() - (counts - 1) / 2)[inverse]
    return shared


def rank_correlation(some: Values, others: Values) -> float | None:
    """Spearman's rank correlation; None if one side never varies."""
    import numpy as np

    if some.min() == some.max() or others.min() == others.max():
        return None
    return float(np.corrcoef(ranks(some), ranks(others))[0, 1])
