"""A crew that cannot be imported: where in the user's code, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rowcrew import Crew
from rowcrew.runner.loading import loaded

Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Make a module in the current directory, importable and forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)

    def write(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_crew_that_can_be_imported_comes_back(write: Write) -> None:
    write("good_app", "from rowcrew import Crew\ncrew = Crew()\n@crew.job\ndef a() -> None: ...\n")
    assert isinstance(loaded(["good_app"]), Crew)


def test_an_error_is_told_with_the_lines_of_the_users_code(write: Write) -> None:
    write("broken_parts", "def connect():\n    raise ValueError('no such month')\n")
    write("broken_app", "import broken_parts\n\nbroken_parts.connect()\n")
    assert loaded(["broken_app"]) == (
        "ValueError: no such month (broken_app.py:3 in <module>, broken_parts.py:2 in connect)"
    )


def test_a_handler_that_is_refused_is_told_with_its_line(write: Write) -> None:
    write("refused_app", "from rowcrew import Crew\ncrew = Crew()\n@crew.job\ndef a(*b) -> None: ...\n")
    assert loaded(["refused_app"]) == (
        "a: parameter 'b' cannot be filled from a payload key (refused_app.py:3 in <module>)"
    )


CAUSE = "try:\n    {0}\nexcept KeyError as error:\n    raise ValueError('settings') from error"


@pytest.mark.parametrize("text", ["{0}", CAUSE])
def test_a_variable_that_is_missing_names_the_setting_that_lets_it_through(write: Write, text: str) -> None:
    write("secret_app", "import os\n" + text.format("os.environ['STRIPE_KEY']"))
    told = loaded(["secret_app"])
    assert isinstance(told, str)
    assert "secret_app.py:" in told
    assert told.endswith("if the worker has STRIPE_KEY, add it to RUNNER_ENVIRONMENT=STRIPE_KEY")


def test_another_missing_key_is_no_variable(write: Write) -> None:
    write("keyless_app", "{}['STRIPE_KEY']")
    assert loaded(["keyless_app"]) == "KeyError: 'STRIPE_KEY' (keyless_app.py:1 in <module>)"


def test_a_crew_without_types_says_what_to_do(write: Write) -> None:
    write("empty_app", "from rowcrew import Crew\ncrew = Crew()\n")
    assert str(loaded(["empty_app"])).startswith("it has no job types: decorate functions with @crew.job")


def test_leaving_while_imported_is_no_crew(write: Write) -> None:
    write("leaving_app", "raise SystemExit(3)")
    assert loaded(["leaving_app"]) == "SystemExit: 3 (leaving_app.py:1 in <module>)"
