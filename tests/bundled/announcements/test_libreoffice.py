"""Filings whose PDFs LibreOffice made from HTML, as many companies make theirs, are read like any other."""

from __future__ import annotations

import html
import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rowcrew.bundled.announcements.filing import filing_of
from rowcrew.bundled.announcements.pdf_text import page_texts
from rowcrew.bundled.announcements.processed import Analysis
from rowcrew.bundled.announcements.rules.analysis import analysed
from rowcrew.bundled.announcements.sample.filings import Sample, samples
from tests.bundled.announcements.measure import score

OFFICE = shutil.which("soffice")
WRITER = OFFICE and (Path(OFFICE).resolve().parent / "libswlo.so").exists()
pytestmark = [pytest.mark.long, pytest.mark.skipif(not WRITER, reason="LibreOffice Writer is not installed")]
COUNT = 23


def page(sample: Sample) -> str:
    """The letter as HTML; lines with figures below each other are rows of a table."""
    parts = []
    for paragraph in sample.paragraphs:
        lines = [html.escape(line) for line in paragraph.splitlines()]
        rows = "".join(f"<tr><td>{line}</td></tr>" for line in lines)
        parts.append(f"<p>{lines[0]}</p>" if len(lines) == 1 else f"<table>{rows}</table>")
    head = f"<p>To<br>BSE Limited, Dalal Street, Mumbai 400 001</p><h2>{html.escape(sample.company)}</h2>"
    return f'<html><head><meta charset="utf-8"></head><body>{head}{"".join(parts)}</body></html>'


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Sample, Path]]:
    """The samples, each with its PDF; one LibreOffice makes them all."""
    folder = tmp_path_factory.mktemp("letters")
    told = list(enumerate(samples(COUNT, seed=11)))
    for number, sample in told:
        (folder / f"{number}.html").write_text(page(sample))
    pages = [str(folder / f"{number}.html") for number, _ in told]
    home = f"-env:UserInstallation=file://{folder}/profile"
    command = [
        str(OFFICE),
        home,
        "--headless",
        "--convert-to",
        "pdf",
        "--outdir",
        str(folder),
    ]
    subprocess.run([*command, *pages], check=True, capture_output=True, timeout=300)
    return [(sample, folder / f"{number}.pdf") for number, sample in told]


def read(sample: Sample, file: Path) -> Analysis:
    pages = page_texts(io.BytesIO(file.read_bytes()), lambda number, count: None)
    return analysed(filing_of(sample.exchange, sample.entry), pages)


def readings(printed: list[tuple[Sample, Path]]) -> Iterator[tuple[Sample, Analysis]]:
    return ((sample, read(sample, file)) for sample, file in printed)


@pytest.mark.timeout(400)
def test_amounts_and_categories_are_right_often_enough(printed: list[tuple[Sample, Path]]) -> None:
    scored = score(readings(printed))
    assert scored.letters == COUNT
    assert scored.right >= 0.95 * scored.told, scored.wrong
    assert scored.right >= 0.95 * scored.found, scored.wrong
    assert scored.categories >= 0.9 * scored.letters, scored.wrong
