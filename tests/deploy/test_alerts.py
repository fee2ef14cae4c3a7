"""deploy/prometheus/rowcrew-alerts.yml and its runbook: the rules fire as meant, and each has its entry."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any, Final

import pytest
import yaml

from tests.deploy.conftest import ROOT
from tests.docs.pages import anchors

RULES: Final = ROOT / "deploy" / "prometheus" / "rowcrew-alerts.yml"
UNIT_TESTS: Final = ROOT / "tests" / "deploy" / "rowcrew-alerts-tests.yml"
RUNBOOK: Final = ROOT / "docs" / "runbook.md"
PAGE: Final = RUNBOOK.read_text(encoding="utf-8")
METRICS: Final = ROOT / "docs" / "metrics.md"
PROMTOOL: Final = shutil.which("promtool")
PARTS: Final = ["Means", "Look", "Do", "Over"]

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None,
    reason="promtool is not installed (Debian: prometheus; .ci/run fetches it): no rule is tried",
)


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def names() -> list[str]:
    return [rule["alert"] for rule in alerts()]


def metrics() -> dict[str, set[str]]:
    """The table of metrics: each with its labels."""
    page = METRICS.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(rowcrew_\w+)` \| (.*?) \| (\w+):", page, re.MULTILINE)
    known = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels, _kind in rows}
    for name, _labels, kind in rows:
        if kind == "histogram":
            known[f"{name}_bucket"] = known[name] | {"le"}
            known[f"{name}_count"] = known[name]
    return known


def promtool(*arguments: str) -> str:
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_prometheus_takes_the_rules() -> None:
    assert f"{len(alerts())} rules found" in promtool("check", "rules", str(RULES))


@needs_promtool
def test_each_alert_fires_for_what_it_means_and_for_nothing_beside_it() -> None:
    promtool("test", "rules", str(UNIT_TESTS))


def test_every_alert_is_seen_to_fire() -> None:
    tests = yaml.safe_load(UNIT_TESTS.read_text(encoding="utf-8"))["tests"]
    fired = {
        expected["alertname"]
        for test in tests
        for expected in test["alert_rule_test"]
        if expected["exp_alerts"]
    }
    assert fired == set(names())


@pytest.mark.parametrize("rule", alerts(), ids=names())
def test_an_alert_reads_metrics_and_labels_of_the_table_alone(rule: dict[str, Any]) -> None:
    known = metrics()
    for name, labels in re.findall(r"\b(rowcrew_\w+)(?:\{(.*?)\})?", rule["expr"]):
        assert name in known
        assert set(re.findall(r"(\w+)=", labels)) <= known[name]


@pytest.mark.parametrize("rule", alerts(), ids=names())
def test_an_alert_says_how_grave_it_is_and_leads_to_its_entry(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("warning", "critical")
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert ROOT / page == RUNBOOK
    assert anchor == rule["alert"].lower()
    assert anchor in anchors(RUNBOOK)


def test_the_runbook_has_an_entry_of_four_parts_for_each_alert_and_no_other() -> None:
    entries = re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert [name for name, _ in entries] == names()
    for name, text in entries:
        assert re.findall(r"^\*\*(\w+?)\.?\*\*", text, re.MULTILINE) == PARTS, name
        assert "```sql" in text, name
        assert "rowcrew " in text, name
