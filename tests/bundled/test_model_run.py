"""The type `model_run`: its figures, its scenarios, what it refuses, and that it is kept once."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.waiting import eventually
from rowcrew.bundled import crew
from rowcrew.bundled.model_run.kept import ModelRunKey
from rowcrew.bundled.model_run.payload import ModelRun, drivers_of, inputs_hash
from rowcrew.bundled.model_run.saas_model import Company, Month
from rowcrew.bundled.model_run.scenarios import run_scenarios
from rowcrew.model.outcome import Errored, Released
from rowcrew.testing import HandlerRun, run_handler
from tests.bundled.saas_payload import FULL, REFERENCE, model
from tests.conftest import Connect


class Silent:
    """A context that nobody watches."""

    def progress(self, current: float, total: float | None = None, message: str | None = None) -> None: ...


def computed(given: dict[str, Any], **changes: Any) -> Any:
    """The result as JSON has it."""
    result = run_scenarios(model(given, **changes), ModelRunKey("model", "0" * 64, 1), Silent())  # type: ignore[arg-type]
    return msgspec.json.decode(msgspec.json.encode(result))


def base(given: dict[str, Any], **changes: Any) -> Any:
    return computed(given, **changes)["scenarios"]["base"]


def months_of(payload: ModelRun) -> list[Month]:
    company = Company(drivers_of(payload))
    return [company.next_month() for _ in range(payload.months)]


def refusal(given: dict[str, Any], database_url: str | None = None, **changes: Any) -> str:
    outcome = run_handler(crew, "model_run", given | changes, database_url=database_url).outcome
    assert isinstance(outcome, Errored), outcome
    assert outcome.permanent, outcome
    return outcome.error


@pytest.mark.parametrize(
    ("month", "customers", "revenue", "ebitda", "cash"),
    [
        (1, 525, 52_500.00, -64_000.00, 536_000.00),
        (6, 639.19, 63_919.00, -54_864.80, 243_961.88),
        (12, 755.1314, 75_513.14, -45_589.49, -51_939.80),
    ],
)
def test_the_months_are_those_of_the_reference(
    month: int, customers: float, revenue: float, ebitda: float, cash: float
) -> None:
    row = base(REFERENCE)["monthly"][month - 1]
    assert (row["customers"], row["revenue"], row["ebitda"], row["cash"]) == (
        customers,
        revenue,
        ebitda,
        cash,
    )
    assert row["period"] == f"2027-{month:02d}"


def test_the_ratios_are_those_of_the_reference() -> None:
    summary = base(REFERENCE)["summary"]
    assert summary["runwayMonths"] == 10.8649
    assert summary["cashOutMonth"] == 11
    assert (summary["ltv"], round(summary["ltvToCac"], 2), summary["paybackMonths"]) == (2666.67, 6.67, 5.0)
    assert summary["breakEvenMonth"] is None
    assert summary["irr"] is None
    (line,) = base(REFERENCE)["lines"]
    assert round(line["steadyCustomers"], 2) == 1333.33
    assert base(REFERENCE, months=600)["summary"]["customers"] == pytest.approx(1333.33, abs=0.01)


def test_runs_over_the_end_of_a_year_are_named_by_the_calendar() -> None:
    rows = base(REFERENCE, startMonth="2027-11")["monthly"]
    assert [row["period"] for row in rows[:4]] == ["2027-11", "2027-12", "2028-01", "2028-02"]


def test_losses_are_used_up_before_tax_is_due() -> None:
    lines = [{"name": "Once", "monthly": 100}, {"name": "Later", "monthly": 400, "from": 3}]
    payload = {"fixedRevenue": lines, "opex": [{"name": "Costs", "monthly": 250}], "taxRate": 0.2}
    rows = base({"modelId": "m", "startMonth": "2027-01", "months": 5, **payload})["monthly"]
    assert [row["ebitda"] for row in rows] == [-150, -150, 250, 250, 250]
    assert [row["tax"] for row in rows] == [0, 0, 0, 40, 50]


def test_customers_who_pay_late_keep_cash_away_and_late_payments_bring_it() -> None:
    given = {"modelId": "m", "startMonth": "2027-01", "months": 3, "dso": 45, "dpo": 15}
    lines = {"fixedRevenue": [{"name": "r", "monthly": 1000}], "opex": [{"name": "o", "monthly": 400}]}
    rows = base(given | lines)["monthly"]
    assert [row["receivables"] for row in rows] == [1500, 1500, 1500]
    assert [row["payables"] for row in rows] == [200, 200, 200]
    assert [row["cashFlow"] for row in rows] == [600 - 1500 + 200, 600, 600]


def test_lines_count_from_their_month_on_and_grow_from_month_1() -> None:
    line = {"name": "o", "monthly": 100, "growth": 0.1, "from": 3}
    rows = base({"modelId": "m", "startMonth": "2027-01", "months": 4, "opex": [line]})["monthly"]
    assert [row["operating"] for row in rows] == [0, 0, 121, 133.1]


def test_each_line_has_its_ratios_and_the_whole_is_weighted_by_customers() -> None:
    scenario = base(FULL)
    weights = [line["customers"] for line in scenario["lines"]]
    assert scenario["summary"]["customers"] == pytest.approx(sum(weights), abs=1e-3)
    for ratio in ("arpa", "churnRate", "ltv", "ltvToCac", "paybackMonths"):
        mean = sum(
            line[ratio] * weight for line, weight in zip(scenario["lines"], weights, strict=True)
        ) / sum(weights)
        assert scenario["summary"][ratio] == pytest.approx(mean, rel=1e-4), ratio
    assert [line["steadyCustomers"] is None for line in scenario["lines"]] == [True, False, True]


def test_ratios_that_do_not_exist_are_null() -> None:
    empty = base({"modelId": "m", "startMonth": "2027-01", "months": 1})["summary"]
    for name in ("grossMargin", "ltv", "ltvToCac", "paybackMonths", "runwayMonths", "irr", "arpa"):
        assert empty[name] is None, name
    loyal = base(REFERENCE, revenue=[REFERENCE["revenue"][0] | {"churnRate": 0}])["summary"]
    assert (loyal["ltv"], loyal["ltvToCac"]) == (None, None)
    assert base(REFERENCE, cacPerNewCustomer=0)["summary"]["ltvToCac"] is None


def test_a_run_that_begins_without_cash_has_no_runway() -> None:
    summary = base(REFERENCE, openingCash=0)["summary"]
    assert (summary["runwayMonths"], summary["cashOutMonth"]) == (0, 1)


def test_cash_that_ends_at_exactly_zero_is_not_out() -> None:
    line = {"name": "o", "monthly": 0.1}
    given = {"modelId": "m", "startMonth": "2027-01", "months": 3, "openingCash": 0.3, "opex": [line]}
    assert 0.3 - 0.1 - 0.1 - 0.1 < 0
    summary = base(given)["summary"]
    assert (summary["closingCash"], summary["cashOutMonth"]) == (0, None)
    assert base(given, months=4)["summary"]["runwayMonths"] == 3


lines = st.fixed_dictionaries(
    {
        "name": st.just("line"),
        "startCustomers": st.floats(0, 1e5),
        "newCustomers": st.floats(0, 1e4),
        "newCustomersGrowth": st.floats(-0.2, 0.1),
        "churnRate": st.floats(0, 0.5),
        "arpa": st.floats(0, 1e4),
        "arpaGrowth": st.floats(-0.1, 0.05),
    }
)
monthly = st.fixed_dictionaries(
    {
        "name": st.just("line"),
        "monthly": st.floats(-1e5, 1e6),
        "growth": st.floats(-0.2, 0.1),
        "from": st.integers(1, 40),
    }
)
payloads = st.fixed_dictionaries(
    {
        "modelId": st.just("m"),
        "startMonth": st.just("2027-01"),
        "months": st.integers(1, 36),
        "openingCash": st.floats(0, 1e7),
        "revenue": st.lists(lines, min_size=1, max_size=3),
        "fixedRevenue": st.lists(monthly, max_size=2),
        "opex": st.lists(monthly, max_size=2),
        "cogsPct": st.floats(0, 0.95),
        "cacPerNewCustomer": st.floats(0, 1e4),
        "taxRate": st.floats(0, 0.5),
        "dso": st.floats(0, 120),
        "dpo": st.floats(0, 120),
        "funding": st.lists(
            st.fixed_dictionaries({"month": st.integers(1, 40), "amount": st.floats(-1e6, 1e6)}), max_size=3
        ),
    }
)


@settings(max_examples=200, derandomize=True)
@given(payloads)
def test_opening_cash_and_all_cash_flows_make_closing_cash(payload: dict[str, Any]) -> None:
    months = months_of(model(payload))
    size = max(1.0, *(abs(month.cash) for month in months))
    total = payload["openingCash"] + sum(month.cash_flow for month in months)
    assert total == pytest.approx(months[-1].cash, abs=1e-9 * size)
    for month in months:
        assert month.revenue - month.cogs - month.opex == month.ebitda
        assert month.opex == month.operating + month.payroll + month.acquisition


@settings(max_examples=100, derandomize=True)
@given(payloads)
def test_a_scenario_without_changes_changes_nothing(payload: dict[str, Any]) -> None:
    result = computed(payload, scenarios={"base": [], "same": []})
    assert result["scenarios"]["same"] == result["scenarios"]["base"] == base(payload)


@settings(max_examples=200, derandomize=True)
@given(payloads, st.floats(1, 3))
def test_higher_churn_never_raises_cash(payload: dict[str, Any], factor: float) -> None:
    # Of each customer less comes cash only if it earns: not where it costs more, or suppliers wait longer.
    payload = payload | {"dpo": 0, "taxRate": 0}
    higher = [line | {"churnRate": min(1, line["churnRate"] * factor)} for line in payload["revenue"]]
    before, after = months_of(model(payload)), months_of(model(payload, revenue=higher))
    for month, worse in zip(before, after, strict=True):
        earned = month.cash + month.receivables
        assert worse.cash + worse.receivables <= earned + 1e-9 * max(1.0, abs(earned), abs(month.cash))


def test_scenarios_set_add_and_multiply() -> None:
    scenarios = {
        "base": [],
        "mixed": [
            {"path": "openingCash", "op": "set", "value": 1_000_000},
            {"path": "revenue.0.arpa", "op": "add", "value": -10},
            {"path": "opex.0.monthly", "op": "multiply", "value": 0.5},
            {"path": "opex.0.from", "op": "add", "value": 2},
        ],
    }
    changed = REFERENCE | {
        "openingCash": 1_000_000,
        "revenue": [REFERENCE["revenue"][0] | {"arpa": 90}],
        "opex": [{"name": "Rent and tools", "monthly": 45_000, "from": 3}],
    }
    assert computed(REFERENCE, scenarios=scenarios)["scenarios"]["mixed"] == base(changed)


def test_scenarios_with_numbers_in_their_names_stand_by_number() -> None:
    names = ["10 % less", "2 % less", "Case 10", "Case 2", "Case 9b", "case 1", "base"]
    rows = computed(REFERENCE, scenarios={name: [] for name in names})["comparison"]
    by_number = ["base", "2 % less", "10 % less", "Case 2", "Case 9b", "Case 10", "case 1"]
    assert [row["scenario"] for row in rows] == by_number


def test_the_comparison_has_a_row_for_each_scenario_base_first() -> None:
    scenarios = {"a": [{"path": "openingCash", "op": "add", "value": 1}], "base": []}
    result = computed(REFERENCE, scenarios=scenarios)
    rows = result["comparison"]
    assert [row["scenario"] for row in rows] == ["base", "a"]
    assert rows[1]["closingCash"] == pytest.approx(rows[0]["closingCash"] + 1)
    for row in rows:
        summary = result["scenarios"][row["scenario"]]["summary"]
        assert {name: summary[name] for name in row if name != "scenario"} | {
            "scenario": row["scenario"]
        } == row


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("revenue.0.churn", "revenue.0 has name, startCustomers"),
        ("revenue.1.churnRate", "revenue has lines 0 to 0"),
        ("funding.0.amount", "funding has no lines"),
        ("revenue.-1.churnRate", "revenue has lines"),
        ("revenue.0.churn_rate", "revenue.0 has name"),
        ("revenue.0.name", "revenue.0.name is no number"),
        ("revenue.0.name.first", "revenue.0.name has nothing below it"),
        ("revenue", "revenue is no number"),
        ("revenue.0", "revenue.0 is no number"),
        ("months", "the model has openingCash"),
        ("scenarios.base", "the model has openingCash"),
        ("__class__", "the model has openingCash"),
    ],
)
def test_an_unknown_path_of_a_scenario_is_named(path: str, complaint: str, database_url: str) -> None:
    scenarios = {"base": [], "other": [{"path": path, "op": "set", "value": 1}]}
    error = refusal(REFERENCE, database_url, scenarios=scenarios)
    assert f"payload.scenarios.other.0.path is unknown: '{path}'" in error
    assert complaint in error


def test_a_scenario_that_leads_out_of_bounds_is_named(database_url: str) -> None:
    for path, value, complaint in (
        ("revenue.0.churnRate", 40, "Expected `float` <= 1.0"),
        ("opex.0.from", 1.5, "Expected `int`"),
    ):
        scenarios = {"worst": [{"path": path, "op": "multiply", "value": value}]}
        error = refusal(REFERENCE, database_url, scenarios=scenarios)
        assert "payload.scenarios.worst is not possible" in error
        assert complaint in error
        assert path.rpartition(".")[2] in error


def test_growth_without_bounds_is_refused(database_url: str) -> None:
    line = REFERENCE["revenue"][0] | {"arpaGrowth": 2}
    for months in (40, 600):
        error = refusal(REFERENCE, database_url, months=months, revenue=[line])
        assert "scenarios.base grows without bounds: recurring_revenue of month" in error


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("months", 0),
        ("months", 601),
        ("startMonth", "2027-13"),
        ("currency", "dollar"),
        ("openingCash", -1),
        ("openingCash", "600000"),
        ("cogsPct", 20),
        ("taxRate", 1.1),
        ("modelId", ""),
        ("revenue[0].churnRate", 1.5),
        ("revenue[0].arpaGrowth", -2),
        ("opex[0].from", 0),
        ("headcount[0].loadPct", -0.1),
        ("funding[0].month", 0),
        ("scenarios[...]", [{"path": "dso", "op": "divide", "value": 2}]),
        ("children[0].type", [{"type": "model_run"}]),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any) -> None:
    given: dict[str, Any] = REFERENCE | {
        "headcount": [{"role": "r", "count": 1, "annualSalary": 1}],
        "funding": [{"month": 1, "amount": 1}],
    }
    name, _, inner = field.partition("[0].")
    changes = value
    if name in given and inner:
        changes = [given[name][0] | {inner: value}]
    elif name == "scenarios[...]":
        name, changes = "scenarios", {"base": value}
    error = refusal(given | {name: changes})
    assert f"payload.{name}" in error
    assert inner in error


def test_unknown_fields_too_many_lines_and_too_many_scenarios_are_refused() -> None:
    assert "`chrunRate`" in refusal(REFERENCE, chrunRate=1)
    assert "201 lines, more than the 200" in refusal(REFERENCE, revenue=[{"name": "r"}] * 200)
    assert "payload.scenarios" in refusal(REFERENCE, scenarios={str(number): [] for number in range(51)})


def run(database_url: str, given: dict[str, Any] = REFERENCE, **changes: Any) -> HandlerRun:
    return run_handler(crew, "model_run", given | changes, database_url=database_url)


def test_progress_tells_scenario_and_month(database_url: str) -> None:
    messages = [said["message"] for said in run(database_url).progress]
    assert len(messages) == 48
    assert messages[11] == "Scenario 1 of 2: month 12 of 24"
    assert messages[-1] == "Scenario 2 of 2: month 24 of 24"
    assert [said["current"] for said in run(database_url, modelId="other").progress] == list(range(1, 49))


def test_the_same_inputs_give_the_kept_result_without_computing(connect: Connect, database_url: str) -> None:
    first = run(database_url)
    reordered = dict(reversed(REFERENCE.items())) | {"openingCash": 600_000.0, "taxRate": 0}
    second = run(database_url, reordered)
    assert first.progress
    assert second.progress == []
    assert second.result == first.result
    rows = (
        connect().execute('SELECT id, "modelId", "inputsHash", "engineVersion" FROM "modelRuns"').fetchall()
    )
    assert rows == [(first.result["modelRunId"], "reference", first.result["inputsHash"], 1)]


def test_other_inputs_another_model_or_another_engine_compute_anew(
    connect: Connect, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [run(database_url).result["modelRunId"]]
    ids.append(run(database_url, openingCash=600_000.01).result["modelRunId"])
    ids.append(run(database_url, modelId="another").result["modelRunId"])
    monkeypatch.setattr("rowcrew.bundled.model_run.handler.ENGINE_VERSION", 2)
    ids.append(run(database_url).result["modelRunId"])
    assert len(set(ids)) == 4


def test_the_hash_depends_on_all_that_the_figures_follow_from_and_on_nothing_else() -> None:
    reference = inputs_hash(model(REFERENCE))
    assert inputs_hash(model(REFERENCE, modelId="x", children=[{"type": "pdf_export"}])) == reference
    others: list[dict[str, Any]] = [
        {"months": 25},
        {"startMonth": "2027-02"},
        {"currency": "EUR"},
        {"scenarios": {"base": []}},
    ]
    for other in others:
        assert inputs_hash(model(REFERENCE, **other)) != reference


def test_a_stopped_run_keeps_nothing(connect: Connect, database_url: str) -> None:
    stopped = run_handler(crew, "model_run", REFERENCE, database_url=database_url, stop_at_progress=30)
    assert isinstance(stopped.outcome, Released)
    assert len(stopped.progress) == 30
    assert connect().execute('SELECT count(*) FROM "modelRuns"').fetchone() == (0,)


def test_a_large_result_is_a_file_and_the_comparison(connect: Connect, database_url: str) -> None:
    scenarios: dict[str, Any] = {str(number): [] for number in range(5)}
    result = run(database_url, months=240, scenarios=scenarios).result
    assert "scenarios" not in result
    assert len(result["comparison"]) == 5
    assert result["contentType"] == "application/json"
    ((content, digest),) = connect().execute(
        "SELECT bytes, encode(sha256(bytes), 'hex') FROM blobs WHERE key = %s", [result["key"]]
    )
    assert (len(content), digest) == (result["bytes"], result["sha256"])
    whole = msgspec.json.decode(content)
    assert whole == computed(REFERENCE, months=240, scenarios=scenarios) | {
        "inputsHash": result["inputsHash"]
    }
    assert run(database_url, months=240, scenarios=scenarios).result == result


def test_six_hundred_months_in_fifty_scenarios_are_one_run(database_url: str) -> None:
    scenarios: dict[str, Any] = {
        f"churn {number}": [{"path": "revenue.0.churnRate", "op": "set", "value": number / 100}]
        for number in range(50)
    }
    largest = run(database_url, months=600, scenarios=scenarios)
    assert largest.progress[-1]["message"] == "Scenario 50 of 50: month 600 of 600"
    assert len(largest.result["comparison"]) == 50
    assert "key" in largest.result


def test_of_two_jobs_at_once_one_keeps_its_run_and_both_give_it(connect: Connect, database_url: str) -> None:
    large: dict[str, Any] = {"months": 240, "scenarios": {str(number): [] for number in range(5)}}
    first = run(database_url, modelId="first", **large).result
    connect().execute("UPDATE blobs SET key = 'first'")
    connection = connect(autocommit=False)
    copied = 'SELECT "jobId", "engineVersion", \'reference\', "inputsHash", result FROM "modelRuns"'
    connection.execute(
        f'INSERT INTO "modelRuns" ("jobId", "engineVersion", "modelId", "inputsHash", result) {copied}'
    )
    second: list[HandlerRun] = []
    thread = threading.Thread(target=lambda: second.append(run(database_url, **large)))
    thread.start()
    with psycopg.connect(database_url, autocommit=True) as watcher:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'modelRuns'"
        )
        eventually(lambda: watcher.execute(waiting).fetchone() == (1,))
    connection.commit()
    thread.join(30)
    assert second[0].progress
    assert second[0].result["modelRunId"] != first["modelRunId"]
    assert second[0].result["key"] == first["key"]
    assert connection.execute('SELECT count(*) FROM "modelRuns"').fetchone() == (2,)
    assert connection.execute("SELECT key FROM blobs").fetchall() == [("first",)], "the loser left its file"


def test_children_work_on_this_run(database_url: str) -> None:
    drivers = [{"path": "revenue.0.churnRate", "distribution": "uniform", "min": 0.02, "max": 0.04}]
    children = [
        {"type": "pdf_export", "payload": {"template": "board"}},
        {"type": "pptx_export"},
        {"type": "monte_carlo", "payload": {"drivers": drivers, "simulations": 500}},
    ]
    for _ in range(2):  # the second run is not computed, and enqueues all the same
        asked = run(database_url, children=children)
        pdf, pptx, simulation = asked.children
        source = {"modelRunId": asked.result["modelRunId"]}
        assert (pdf.type, pdf.payload) == ("pdf_export", {"template": "board", "source": source})
        assert (pptx.type, pptx.payload) == ("pptx_export", {"source": source})
        assert (pdf.parent_id, simulation.type) == (1, "monte_carlo")
        assert simulation.payload["model"] == "driver_simulation"
        assert simulation.payload["drivers"] == drivers
        assert "children" not in simulation.payload["modelRun"]
        assert drivers_of(model(simulation.payload["modelRun"])) == drivers_of(model(REFERENCE))
