"""Every setting is documented, with its default, where a reader looks for it."""

from __future__ import annotations

import re
from pathlib import Path

from rowcrew.family import variables
from rowcrew.settings import read
from rowcrew.settings.variables import VARIABLES

EVERY_VARIABLE = (*VARIABLES, *variables())

ROOT = Path(__file__).resolve().parents[2]


def example() -> list[tuple[str, str]]:
    text = (ROOT / ".env.example").read_text()
    return re.findall(r"^(?:# )?([A-Z0-9_]+)=(.*)$", text, re.MULTILINE)


def test_the_example_has_every_variable_once() -> None:
    assert [name for name, _ in example()] == [name for variable in EVERY_VARIABLE for name in variable.names]


def test_the_example_tells_meaning_and_default_of_every_variable() -> None:
    text = (ROOT / ".env.example").read_text()
    values = dict(example())
    for variable in EVERY_VARIABLE:
        assert f"# {variable.meaning}" in text
        assert values[variable.names[0]] == variable.default or f"({variable.default})" in text.replace(
            "(default: ", "("
        )


def test_the_values_of_the_example_are_the_defaults() -> None:
    values = dict(example())
    url = values["DATABASE_URL"]
    given, default = read(values), read({"DATABASE_URL": url})
    # What is said by naming the default queue, and the number of slots, is more than by saying nothing.
    assert (given.queues, given.queue_name, given.concurrency) == (("default",), "default", default.slots)
    values.update(JOB_QUEUE_NAME="", WORKER_CONCURRENCY="")
    assert read(values) == default


def test_only_the_address_must_be_given() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line.partition("=")[0] for line in lines if line and not line.startswith("#")] == ["DATABASE_URL"]


def test_the_table_of_settings_has_every_variable_as_it_is() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| (`[A-Z0-9_`, ]+`) \| ([^|]+) \| (.+) \|$", page, re.MULTILINE)
    documented = [
        (tuple(re.findall(r"[A-Z0-9_]+", names)), default, meaning) for names, default, meaning in rows
    ]
    table = [row for row in documented if row[0][0] in {variable.names[0] for variable in EVERY_VARIABLE}]
    assert table == [(variable.names, variable.default, variable.meaning) for variable in EVERY_VARIABLE]
