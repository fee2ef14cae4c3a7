"""docs/job-types.md: what it shows is what happens."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from rowcrew.bundled import crew
from rowcrew.testing import run_handler
from tests.conftest import Connect

DOCUMENT = Path(__file__).parents[2] / "docs" / "job-types.md"


def test_the_examples_run_and_give_the_results_shown(connect: Connect, database_url: str) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    connection = connect()
    for statement in re.findall(r"```sql\n(.*?)```", text, re.DOTALL):
        connection.execute(statement)
    jobs = connection.execute("SELECT type, payload FROM jobs ORDER BY id").fetchall()
    assert [type for type, _ in jobs] == [
        *["monte_carlo"] * 4,
        *["csv_import"] * 4,
        "model_run",
        "pdf_export",
        "pptx_export",
        "ai_processing",
        "batch_processing",
    ]
    # A batch waits for jobs of its own, which takes a worker: tests/retrieval has them.
    results = [
        run_handler(crew, type, payload, database_url=database_url).result
        for type, payload in jobs
        if type != "batch_processing"
    ]

    option, december, portfolio, csv_import, dry_run, model_run, pdf, pptx = (
        json.loads(shown) for shown in re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    )
    assert results[0] == {name: pytest.approx(value, rel=1e-9) for name, value in option.items()}
    assert results[2]["monthly"][11] == december
    assert results[3] == {name: pytest.approx(value, rel=1e-9) for name, value in portfolio.items()}
    assert without_tail(results[4]) == without_tail(csv_import)
    assert results[5] == dry_run
    assert [(each["inserted"], each["rejected"]) for each in results[6:8]] == [(2, 0), (1, 0)]
    assert results[8]["scenarios"]["base"]["summary"] == model_run
    for result, shown in zip(results[9:11], (pdf, pptx), strict=True):
        assert without_content(result) == without_content(shown)
    assert results[11]["category"] == "New Order"
    assert [float(figure["value"]) for figure in results[11]["financialData"]] == [726_200_000]


def test_every_field_of_a_payload_is_documented() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for handled in crew.types.values():
        schema = json.loads(handled.manifest.payload_schema)
        for definition in schema.get("$defs", {}).values():  # a type may take no payload
            for field in definition["properties"]:
                assert f"`{field}`" in text or f'"{field}"' in text, field


def without_tail(result: dict[str, Any]) -> dict[str, Any]:
    return result | {"fileSha256": result["fileSha256"][:8]}


def without_content(result: dict[str, Any]) -> dict[str, Any]:
    """What does not change with the version of the library that wrote the file."""
    return {name: value for name, value in result.items() if name not in ("bytes", "sha256")}
