"""The type `monte_carlo`: answers a question by simulation.

In: the payload of a job, one Struct per value of `model`. Out: the result of that model. The answer depends
on the payload alone, however busy the worker is.
"""

from __future__ import annotations

from collections.abc import Callable

from rowcrew.bundled.monte_carlo.driver_simulation import DriverSimulation, SimulatedModel, simulate
from rowcrew.bundled.monte_carlo.european_option import EuropeanOption, Price, price
from rowcrew.bundled.monte_carlo.portfolio_var import PortfolioVar, ValueAtRisk, value_at_risk
from rowcrew.context import Context, PermanentError
from rowcrew.crew import Crew

crew = Crew()


# A thread suffices: numpy lets go of the GIL while it draws and computes, so other slots of the runner go on.
@crew.job("monte_carlo", executor="thread")
def monte_carlo(
    payload: EuropeanOption | DriverSimulation | PortfolioVar, context: Context
) -> Price | SimulatedModel | ValueAtRisk:
    """Price an option, vary a model's drivers or measure a portfolio's risk by simulation."""
    require_numpy()
    match payload:
        case EuropeanOption():
            return price(payload, _progress(context, payload.paths))
        case DriverSimulation():
            return simulate(payload, _progress(context, payload.simulations))
        case PortfolioVar():
            return value_at_risk(payload, _progress(context, payload.paths))


def require_numpy() -> None:
    """Say how to get numpy, where it is missing.

    Raises:
        PermanentError: numpy is not installed.
    """
    try:
        import numpy  # noqa: F401
    except ModuleNotFoundError as error:
        raise PermanentError("monte_carlo needs numpy: install it with pip install 'rowcrew[sim]'") from error


def _progress(context: Context, paths: int) -> Callable[[int], None]:
    def tell(simulated: int) -> None:
        context.progress(simulated, paths, f"Simulated {simulated:,} of {paths:,} paths")

    return tell
