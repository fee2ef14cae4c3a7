"""What the tests of both exports share: things to export, and programs that read what came out."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import strategies as st

from rowcrew.bundled import crew
from rowcrew.bundled.documents.number_format import MINUS
from rowcrew.model.outcome import Errored
from rowcrew.testing import HandlerRun, run_handler
from tests.bundled.saas_payload import REFERENCE

Connection = psycopg.Connection[tuple[Any, ...]]

NASTY = [
    "&<b>",
    "</para>",
    "&amp;",
    "]]>",
    "=1+1",
    "ع שלום",
    "🙂👩‍👩‍👧",
    "₹",
    "日本語",
    "한국어",
    "\x01\x1b",
    "\u202e",
    "W" * 300,
]
TEXTS = st.lists(st.text(max_size=12) | st.sampled_from(NASTY), max_size=6).map(" ".join)
NUMBERS = st.none() | st.integers(-(10**15), 10**15) | st.floats(-1e15, 1e15)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents of every kind of part, with texts nobody would like to draw."""

    def line() -> str:
        return draw(TEXTS)[:250].replace("\0", "")

    def section() -> dict[str, Any]:
        columns, points = draw(st.integers(1, 9)), draw(st.integers(1, 30))
        return {
            "heading": line(),
            "text": "\n\n".join(line() for _ in range(draw(st.integers(0, 3)))),
            "figures": [
                {"label": line(), "value": draw(NUMBERS | TEXTS.map(lambda text: text[:99])), "note": line()}
                for _ in range(draw(st.integers(0, 9)))
            ],
            "chart": {
                "type": draw(st.sampled_from(["line", "area", "bar", "stackedBar"])),
                "format": draw(st.sampled_from(["number", "money", "percent"])),
                "categories": [line() for _ in range(points)],
                "series": [
                    {"name": line(), "values": [draw(NUMBERS) for _ in range(points)]}
                    for _ in range(draw(st.integers(1, 3)))
                ],
            },
            "table": {
                "columns": [line() for _ in range(columns)],
                "rows": [
                    [draw(NUMBERS | TEXTS) for _ in range(columns)] for _ in range(draw(st.integers(0, 4)))
                ],
            },
        }

    return {"title": line() or "Title", "subtitle": line(), "footer": line(), "sections": [section()]}


def export(type: str, source: dict[str, Any], database_url: str, **payload: Any) -> HandlerRun:
    return run_handler(crew, type, {"source": source} | payload, database_url=database_url)


def permanent(run: HandlerRun) -> str:
    assert isinstance(run.outcome, Errored), run.outcome
    assert run.outcome.permanent, run.outcome
    return run.outcome.error


def model_result(database_url: str, **changes: Any) -> dict[str, Any]:
    """The result of a model run, which is then kept in "modelRuns" too."""
    result: dict[str, Any] = run_handler(
        crew, "model_run", REFERENCE | changes, database_url=database_url
    ).result
    return result


def insert_job(connection: Connection, type: str, status: str, result: dict[str, Any] | None = None) -> int:
    """A job as it stands after its run."""
    ((job_id,),) = connection.execute(
        """INSERT INTO jobs (type, status, result, "finishedAt")
           VALUES (%s, %s, %s, CASE WHEN %s THEN now() END) RETURNING id""",
        [type, status, None if result is None else json.dumps(result), status != "queued"],
    )
    return int(job_id)


def stored(connection: Connection, result: dict[str, Any], directory: Path) -> Path:
    """The file that a result names, in this directory."""
    ((content,),) = connection.execute("SELECT bytes FROM blobs WHERE key = %s", [result["key"]])
    path = directory / Path(result["key"]).name
    path.write_bytes(content)
    return path


def said_by(program: str, package: str, *arguments: str | Path) -> str:
    """What a program prints; the test is skipped where it is not installed."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt-get install {package}")
    ended = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=110)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def pdf_text(path: Path) -> str:
    return said_by("pdftotext", "poppler-utils", "-layout", path, "-")


def amounts(result: dict[str, Any], scenario: str) -> list[str]:
    """Every amount of a scenario's months, as it must be printed in en-US."""
    names = ("revenue", "cogs", "opex", "ebitda", "tax", "cashFlow", "cash")
    return [
        f"{month[name]:,.2f}".replace("-", MINUS)
        for month in result["scenarios"][scenario]["monthly"]
        for name in names
    ]
