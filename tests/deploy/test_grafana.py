"""The dashboard for Grafana asks for metrics that there are, by labels that they have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

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
                assert set(re.findall(r"(\w+)=", selectors)) <= known[metric], panel["title"]


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
