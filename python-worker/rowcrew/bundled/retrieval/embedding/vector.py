"""What an embedder is, and what it gives: vectors of length one.

In: numbers. Out: a vector in their direction. Called by the embedders and by whoever takes their vectors.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

Vector: TypeAlias = "array[float]"
Pause = Callable[[float], None]


class Embedder(Protocol):
    """Turns texts into vectors, the same text always into the same one.

    Attributes:
        name: says all that the vectors depend on; only vectors of one name can be compared.
    """

    name: str

    def embed(self, texts: Sequence[str]) -> list[Vector]: ...


def of_length_one(numbers: Sequence[float]) -> Vector:
    """The vector in this direction.

    Raises:
        ValueError: it has no direction: all is zero, or something is no number.
    """
    length = math.hypot(*numbers)
    if not 0 < length < math.inf:
        raise ValueError("a vector without direction")
    return array("f", [number / length for number in numbers])
