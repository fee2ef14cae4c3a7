"""The type `model_run`: a monthly SaaS model with its scenarios, side by side.

In: the payload of a job, or a run kept earlier for the same inputs. Out: per scenario every month's figures
and the ratios, and a table that compares the scenarios. The run is kept in "modelRuns" and its children are
enqueued in one commit with the job's completion.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
import psycopg
from msgspec import Meta

from rowcrew import no_transaction
from rowcrew.bundled.files.blobs import Blob
from rowcrew.bundled.files.store import store_under
from rowcrew.bundled.model_run.driver_paths import UnknownPath, changed
from rowcrew.bundled.model_run.kept import KeptModelRun, ModelRunKey, find_model_run, keep_model_run
from rowcrew.bundled.model_run.saas_model import (
    ENGINE_VERSION,
    MOST_MONTHS,
    Company,
    Drivers,
    Month,
    Name,
    Part,
    SignedAmount,
    require_holdable,
)
from rowcrew.bundled.model_run.saas_ratios import LineRatios, Ratios, line_ratios, ratios
from rowcrew.context import Context, PermanentError
from rowcrew.crew import Crew

MOST_SCENARIOS: Final = 50
MOST_RESULT_BYTES: Final = 256 * 1024
ARITHMETIC: Final = "float64; amounts rounded to 0.01, half to even, at the end"

crew = Crew()

S = TypeVar("S", bound=msgspec.Struct)


class Change(Part, frozen=True, kw_only=True):
    """One driver of a scenario that differs: `revenue.0.churnRate` times 1.5. Lines count from 0."""

    path: Name
    op: Literal["set", "add", "multiply"]
    value: SignedAmount


class Child(Part, frozen=True, kw_only=True):
    """A job to enqueue when the run is kept: its payload is completed with what this run is."""

    type: Literal["pdf_export", "pptx_export", "monte_carlo"]
    payload: dict[str, Any] = msgspec.field(default_factory=dict)


class ModelRun(Drivers, frozen=True, kw_only=True):
    """A model, how long it runs, and in which scenarios."""

    model_id: Name
    start_month: Annotated[str, Meta(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
    months: Annotated[int, Meta(ge=1, le=MOST_MONTHS)]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "USD"
    scenarios: Annotated[
        dict[Name, Annotated[tuple[Change, ...], Meta(max_length=200)]],
        Meta(min_length=1, max_length=MOST_SCENARIOS),
    ] = msgspec.field(default_factory=lambda: {"base": ()})
    children: Annotated[tuple[Child, ...], Meta(max_length=10)] = ()


class MonthRow(Month, frozen=True, kw_only=True):
    """A month with its name in the calendar, like `2027-01`."""

    period: str


class Scenario(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one scenario leads to."""

    summary: Ratios
    lines: list[LineRatios]
    monthly: list[MonthRow]


class Comparison(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A scenario's row in the table that compares them."""

    scenario: str
    closing_cash: float
    total_revenue: float
    total_ebitda: float
    arr: float
    burn_rate: float
    runway_months: float | None
    cash_out_month: int | None
    break_even_month: int | None
    ltv_to_cac: float | None
    npv: float
    irr: float | None


class RunFacts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What stands in every result; `modelRunId`, the row's id in "modelRuns", joins it there."""

    model_id: str
    inputs_hash: str
    engine_version: int
    arithmetic: str
    currency: str
    start_month: str
    months: int
    comparison: list[Comparison]


class RunResult(RunFacts, frozen=True, kw_only=True):
    """The result."""

    scenarios: dict[str, Scenario]


class StoredResult(RunFacts, frozen=True, kw_only=True):
    """The result where it is larger than 256 KB: the file under `key` holds the `RunResult`."""

    key: str
    sha256: str
    size: int = msgspec.field(name="bytes")
    content_type: str | None


@crew.job("model_run", executor="thread")
def model_run(payload: ModelRun, context: Context) -> msgspec.Raw:
    """Run a monthly SaaS model with its scenarios."""
    key = ModelRunKey(payload.model_id, inputs_hash(payload), ENGINE_VERSION)
    with context.transaction() as connection:
        run = find_model_run(connection, key)
        if run is None:
            with no_transaction(connection):
                result = run_scenarios(payload, key.inputs_hash, context)
            run = _keep(connection, key, context.job.id, result)
    for child in payload.children:
        context.enqueue(child.type, child_payload(child, payload, run.id))
    return msgspec.Raw(run.result.encode())


def inputs_hash(payload: ModelRun) -> str:
    """The SHA-256 of all that the figures follow from, however the payload was written."""
    inputs = {
        name: value
        for name, value in msgspec.to_builtins(payload).items()
        if name not in ("modelId", "children")
    }
    return hashlib.sha256(msgspec.json.encode(inputs, order="deterministic")).hexdigest()


def run_scenarios(payload: ModelRun, hash_of_inputs: str, context: Context) -> RunResult:
    """Compute all scenarios, the one named base first.

    Raises:
        PermanentError: a scenario changes what is not there, or leads where no figures are.
    """
    drivers = drivers_of(payload)
    names = sorted(payload.scenarios, key=lambda name: name != "base")
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
        inputs_hash=hash_of_inputs,
        engine_version=ENGINE_VERSION,
        arithmetic=ARITHMETIC,
        currency=payload.currency,
        start_month=payload.start_month,
        months=payload.months,
        comparison=[compared(name, scenario.summary) for name, scenario in scenarios.items()],
        scenarios=scenarios,
    )


def drivers_of(payload: ModelRun) -> Drivers:
    """The part of a payload that scenarios may change."""
    return Drivers(**{name: getattr(payload, name) for name in Drivers.__struct_fields__})


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


def month_row(month: Month, start_month: str) -> MonthRow:
    figures = msgspec.structs.asdict(rounded(month))
    return MonthRow(**figures, period=period(start_month, month.month))


def period(start_month: str, month: int) -> str:
    """The calendar month of a month of the model, counted from 1."""
    year, first = map(int, start_month.split("-"))
    months = year * 12 + first - 1 + month - 1
    return f"{months // 12:04d}-{months % 12 + 1:02d}"


def compared(scenario: str, summary: Ratios) -> Comparison:
    columns = [name for name in Comparison.__struct_fields__ if name != "scenario"]
    return Comparison(scenario=scenario, **{name: getattr(summary, name) for name in columns})


# Digits after the point of what is no amount of money.
_DIGITS: Final[Mapping[str, int]] = {
    "customers": 4,
    "new_customers": 4,
    "lost_customers": 4,
    "steady_customers": 4,
    "arpa": 4,
    "churn_rate": 8,
    "gross_margin": 8,
    "runway_months": 4,
    "naive_runway_months": 4,
    "ltv_to_cac": 4,
    "payback_months": 4,
    "irr": 8,
    "irr_monthly": 10,
}
_CENTS: Final = 2


def rounded(figures: S) -> S:
    """The figures as a result shows them: rounded half to even, and zero without a sign."""
    values = {
        name: round(value, _DIGITS.get(name, _CENTS)) + 0.0
        for name, value in msgspec.structs.asdict(figures).items()
        if isinstance(value, float)
    }
    return msgspec.structs.replace(figures, **values)


def child_payload(child: Child, payload: ModelRun, model_run_id: int) -> dict[str, Any]:
    """What a child works on: exports on the kept run, a simulation on the model as it came in."""
    if child.type == "monte_carlo":
        model = {
            name: value
            for name, value in msgspec.to_builtins(payload).items()
            if name not in ("children", "scenarios")
        }
        return {"model": "driver_simulation", "modelRun": model} | child.payload
    return child.payload | {"source": {"modelRunId": model_run_id}}


def _keep(
    connection: psycopg.Connection[Any], key: ModelRunKey, job_id: int, result: RunResult
) -> KeptModelRun:
    """Keep the run, in a file if it is large; or take that of another job which was a little earlier."""
    with connection.transaction() as savepoint:
        content = msgspec.json.encode(result)
        if len(content) > MOST_RESULT_BYTES:
            file = store_under(connection, run_key(content), content, "application/json")
            content = msgspec.json.encode(stored_result(result, file))
        run = keep_model_run(connection, key, job_id, content)
        if run is None:
            raise psycopg.Rollback(savepoint)
        return run
    earlier = find_model_run(connection, key)  # type: ignore[unreachable]  # Rollback ends the block quietly
    assert earlier is not None, "what stood in the way is there"
    return earlier


def run_key(content: bytes) -> str:
    """Where the file of a kept run lies: not among those of its job, which go with the job's row."""
    return f"modelRuns/{hashlib.sha256(content).hexdigest()}.json"


def stored_result(result: RunResult, file: Blob) -> StoredResult:
    facts = {name: getattr(result, name) for name in RunFacts.__struct_fields__}
    return StoredResult(**facts, **msgspec.structs.asdict(file))


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
