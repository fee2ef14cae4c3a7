"""Computes the scenarios of a `model_run`, the one named base first, the others by name.

In: a payload. Out: its `RunResult`. Called by the handler, with no transaction open.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import msgspec

from rowcrew.bundled.model_run.driver_paths import UnknownPath, changed
from rowcrew.bundled.model_run.kept import ModelRunKey
from rowcrew.bundled.model_run.payload import Change, ModelRun, drivers_of
from rowcrew.bundled.model_run.result import RunResult, Scenario, compared, month_row, rounded
from rowcrew.bundled.model_run.saas_model import (
    Company,
    Drivers,
    Month,
    require_holdable,
)
from rowcrew.bundled.model_run.saas_ratios import line_ratios, ratios
from rowcrew.context import Context, PermanentError

ARITHMETIC: Final = "float64; amounts rounded to 0.01, half to even, at the end"


def run_scenarios(payload: ModelRun, key: ModelRunKey, context: Context) -> RunResult:
    """Compute all scenarios, the one named base first, the others by name: jsonb forgets the payload's order.

    Raises:
        PermanentError: a scenario changes what is not there, or leads where no figures are.
    """
    drivers = drivers_of(payload)
    names = sorted(payload.scenarios, key=lambda name: (name != "base", _by_number(name), name))
    changes = {name: scenario_drivers(drivers, name, payload.scenarios[name]) for name in names}
    scenarios = {}
    for place, name in enumerate(names):
        tell = _progress(context, place, len(names), payload.months)
        try:
            scenarios[name] = run_scenario(changes[name], payload, tell)
        except OverflowError as error:
            raise PermanentError(
                f"scenarios.{name} grows without bounds: {error}; lower its growth"
            ) from error
    return RunResult(
        model_id=payload.model_id,
        inputs_hash=key.inputs_hash,
        engine_version=key.engine_version,
        arithmetic=ARITHMETIC,
        currency=payload.currency,
        start_month=payload.start_month,
        months=payload.months,
        comparison=[compared(name, scenario.summary) for name, scenario in scenarios.items()],
        scenarios=scenarios,
    )


def _by_number(name: str) -> list[tuple[int, int, str]]:
    """What sorts a name as people do: Case 2 stands before Case 10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.findall(r"\d+|\D+", name)]


def scenario_drivers(drivers: Drivers, scenario: str, changes: tuple[Change, ...]) -> Drivers:
    """The drivers of a scenario.

    Raises:
        PermanentError: names the change that has no driver, or what its driver cannot be.
    """
    for place, change in enumerate(changes):
        try:
            drivers = changed(drivers, change.path, _operation(change))
        except UnknownPath as error:
            where = f"payload.scenarios.{scenario}.{place}.path"
            raise PermanentError(f"{where} is unknown: {change.path!r}; {error}") from error
    try:
        return msgspec.convert(msgspec.to_builtins(drivers), Drivers)
    except msgspec.ValidationError as error:
        problem = str(error).replace("$.", "")
        raise PermanentError(f"payload.scenarios.{scenario} is not possible: {problem}") from error


def run_scenario(drivers: Drivers, payload: ModelRun, tell: Callable[[int], None]) -> Scenario:
    """All months of one scenario, telling each of them, and what follows from them.

    Raises:
        OverflowError: the figures become too large to hold.
    """
    company = Company(drivers)
    months: list[Month] = []
    while company.month < payload.months:
        months.append(company.next_month())
        require_holdable(months[-1])
        tell(company.month)
    lines = line_ratios(drivers, months, company.customers)
    return Scenario(
        summary=rounded(ratios(drivers, months, lines)),
        lines=[rounded(line) for line in lines],
        monthly=[month_row(month, payload.start_month) for month in months],
    )


def _operation(change: Change) -> Callable[[float], float]:
    def operation(value: float) -> float:
        results = {"set": change.value, "add": value + change.value, "multiply": value * change.value}
        result = results[change.op]
        return int(result) if isinstance(value, int) and result.is_integer() else result

    return operation


def _progress(context: Context, place: int, scenarios: int, months: int) -> Callable[[int], None]:
    def tell(month: int) -> None:
        message = f"Scenario {place + 1} of {scenarios}: month {month} of {months}"
        context.progress(place * months + month, scenarios * months, message)

    return tell
