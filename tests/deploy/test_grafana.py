"""The dashboard for Grafana asks for metrics that there are, by labels that they have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy.test_alerts import needs_promtool, promtool
from tests.docs.pages import ROOT

DASHBOARD: Final = ROOT / "deploy" / "grafana" / "rowcrew.json"
PAGE: Final = ROOT / "docs" / "metrics.md"


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def labels_of_metrics(page: Path) -> dict[str, set[str]]:
    """Each metric that the page lists, with its labels."""
    rows = re.findall(r"^\| `(rowcrew_\w+)` \| ([^|]*) \|", page.read_text(), re.MULTILINE)
    return {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}


def test_every_panel_asks_for_metrics_that_the_page_lists_by_their_labels() -> None:
    known = labels_of_metrics(PAGE)
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            for name, selectors in re.findall(r"(rowcrew_\w+)(?:\{([^}]*)\})?", target["expr"]):
                metric = name.removesuffix("_bucket")
                assert metric in known, panel["title"]
                assert set(re.findall(r"(\w+)=", selectors)) <= known[metric] | {"database"}, panel["title"]


@needs_promtool
def test_two_databases_with_a_queue_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    series = [
        *(("rowcrew_queue_depth", 'queue="q",state="ready"', number) for number in (5, 7)),
        *(("rowcrew_workers", 'state="live"', number) for number in (2, 3)),
    ]
    staged = [
        {"series": f'{name}{{database="{database}",{labels}}}', "values": f"{number}x10"}
        for (name, labels, number), database in zip(series, ("sales", "stock") * 2, strict=True)
    ]
    answers = {
        "Live workers": {"{}": 5},
        "Ready jobs": {"{}": 12},
        "Ready jobs by queue": {
            '{database="sales", queue="q"}': 5,
            '{database="stock", queue="q"}': 7,
        },
    }
    asked = {panel["title"]: panel["targets"][0]["expr"] for panel in dashboard()["panels"]}
    expected = [
        {
            "expr": re.sub(r"\$(database|queue)\b", ".*", asked[title]),
            "eval_time": "5m",
            "exp_samples": [{"labels": labels, "value": value} for labels, value in samples.items()],
        }
        for title, samples in answers.items()
    ]
    tests = {"tests": [{"interval": "1m", "input_series": staged, "promql_expr_test": expected}]}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests))
    promtool("test", "rules", str(tmp_path / "tests.yml"))


def test_every_panel_groups_by_the_database_and_lets_one_be_picked() -> None:
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            metrics = re.findall(r"rowcrew_\w+", target["expr"])
            assert target["expr"].count('{database=~"$database"') == len(metrics), panel["title"]
            for labels in re.findall(r"by \(([^)]*)\)", target["expr"]):
                assert "database" in labels.split(", "), panel["title"]
    assert [one["name"] for one in dashboard()["templating"]["list"]] == ["datasource", "database", "queue"]


def test_panels_have_places_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
