"""The README's picture shows what the demo prints: a command draws it, and today's demo says the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs.pictures.demo import COLUMNS, LEFT_OUT, PICTURE, excerpt, picture
from docs.pictures.terminal import COLUMN, MARGIN, Piece, draw
from rowcrew.log import EVENTS
from tests.docs.pages import ROOT

pytestmark = pytest.mark.long

SVG = "{http://www.w3.org/2000/svg}"

OUTPUT = """\
Rowcrew works the jobs table of the PostgreSQL you already have.

── A worker starts: rowcrew worker ──
  worker │ 🚀 Rowcrew Python Worker started
  worker │ 🆔 Worker ID: vm-21637

── A backend inserts rows, from another connection, with plain SQL ──

    CREATE TABLE customers (id integer PRIMARY KEY)

    INSERT INTO jobs (type, payload) VALUES ('monte_carlo', '{"spot": -1}')
    RETURNING id

── The worker gets SIGTERM ──
  worker │ 👋 Worker stopped: signal

── Was all as promised? ──
  ✔ no process of it is left

Done, after 15 seconds.
"""


def rows(svg: str) -> list[str]:
    """The text of each row of the window."""
    found: dict[str, list[str]] = {}
    for text in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        if text.get("text-anchor") is None:
            found.setdefault(text.attrib["y"], []).append(text.text or "")
    return [" ".join(words) for words in found.values()]


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_what_is_shown_are_lines_of_the_run() -> None:
    shown = excerpt(OUTPUT)
    assert "  worker │ 🚀 Rowcrew Python Worker started" in shown
    assert "Done, after 15 seconds." in shown
    assert "  worker │ 👋 Worker stopped: signal" not in shown
    assert set(shown) <= {*OUTPUT.splitlines(), LEFT_OUT}


def test_the_picture_of_a_run_is_well_formed_whatever_the_run_printed() -> None:
    text = "".join(squeezed(row) for row in rows(picture(OUTPUT.replace("no process of it", "no <&> of it"))))
    assert "✔no<&>ofitisleft" in text


def test_a_character_stands_in_its_column_whatever_the_font() -> None:
    svg = draw([[Piece("a  "), Piece("🚀 b")]], columns=9, title="", description="")
    places = [
        (text.text, text.get("x"))
        for text in ElementTree.fromstring(svg).iter(f"{SVG}text")
        if text.get("text-anchor") is None
    ]
    assert places == [
        (text, f"{MARGIN + column * COLUMN:g}") for text, column in (("a", 0), ("🚀", 3), ("b", 6))
    ]


def test_a_line_that_is_too_long_is_broken_as_a_terminal_breaks_it() -> None:
    long = "x" * (COLUMNS + 1)
    text = rows(picture(OUTPUT.replace("no process of it is left", long)))
    assert "x" * 2 in text[-3]
    assert text[-2] == "x" * (len("  ✔ ") + 1)


def test_the_picture_that_is_committed_needs_nothing_but_itself() -> None:
    svg = PICTURE.read_text(encoding="utf-8")
    tags = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(svg).iter()}
    assert tags == {"svg", "style", "rect", "path", "circle", "text"}
    assert not re.search(r"href|url\(|@import", svg)


def test_the_statements_in_the_picture_are_those_of_the_demo() -> None:
    files = (ROOT / "python-worker").rglob("demo/*.sql")
    statements = squeezed(re.sub(r"%\(\w+\)s", "1", "".join(file.read_text() for file in files)))
    shown = [row for row in rows(PICTURE.read_text()) if re.match(r"INSERT|VALUES|UPDATE|SELECT|\"", row)]
    assert len(shown) > 5
    for row in shown:
        assert squeezed(row) in statements, row


def test_the_worker_in_the_picture_speaks_as_a_worker_does() -> None:
    placeholder = re.compile(r"\{\w+(?::[^}]*)?\}")
    texts = [placeholder.split(words.text) for words in EVENTS.values()]
    forms = [".+".join(re.escape(squeezed(part)) for part in text) for text in texts]
    said = [row.removeprefix("worker │ ") for row in rows(PICTURE.read_text()) if row.startswith("worker │ ")]
    assert len(said) > 5
    for line in said:
        assert any(re.fullmatch(form, squeezed(line)) for form in forms), line


def test_the_command_draws_a_picture_of_a_real_run(tmp_path: Path) -> None:
    target = tmp_path / "demo.svg"
    done = subprocess.run([sys.executable, "-m", "docs.pictures.demo", str(target)], cwd=ROOT, check=False)
    assert done.returncode == 0
    drawn = rows(target.read_text(encoding="utf-8"))
    assert "✔ no process of it is left" in drawn
    assert any(row.startswith("UPDATE jobs SET status") for row in drawn)
