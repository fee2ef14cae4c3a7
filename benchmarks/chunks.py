"""A crew with one type: the chunks of an option's simulation, in a process of its own. Called by `jobs`."""

from __future__ import annotations

from rowcrew import Crew
from rowcrew.bundled.monte_carlo.european_option import EuropeanOption, price_of, simulate_chunk

crew = Crew()


@crew.job("bench_chunks", executor="process")
def chunks(option: EuropeanOption, first: int, last: int) -> float:
    """Simulate the chunks from `first` to just before `last`; the price that they lead to."""
    return price_of(option, [simulate_chunk(option, chunk) for chunk in range(first, last)]).price
