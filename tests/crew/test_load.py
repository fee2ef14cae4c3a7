"""Finding crews by name; what is wrong with a name or a module is said as it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rowcrew.crew import load
from rowcrew.model.errors import CrewError

Write = Callable[[str, str], None]

CREW = "from rowcrew import Crew\n{name} = Crew()\n@{name}.job('{type}')\ndef handler() -> None: ...\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Make a module of this test, importable and forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def write(name: str, text: str) -> None:
        path = tmp_path / (name.replace(".", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_crew_is_named_by_module_and_name(write: Write) -> None:
    write("shop_a", CREW.format(name="workers", type="a"))
    assert list(load(["shop_a:workers"]).types) == ["a"]


def test_without_a_name_the_crew_is_called_crew(write: Write) -> None:
    write("shop_b.jobs", CREW.format(name="crew", type="a"))
    assert list(load(["shop_b.jobs"]).types) == ["a"]


def test_several_crews_are_loaded_as_one(write: Write) -> None:
    write("shop_c", CREW.format(name="crew", type="a"))
    write("shop_d", CREW.format(name="crew", type="b"))
    assert list(load(["shop_c", "shop_d"]).types) == ["a", "b"]
    assert list(load(["shop_c"]).types) == ["a"]


def test_several_crews_with_the_same_type_are_refused(write: Write) -> None:
    write("shop_e", CREW.format(name="crew", type="a"))
    write("shop_f", CREW.format(name="crew", type="a"))
    with pytest.raises(CrewError, match="type 'a' is in both crews"):
        load(["shop_e", "shop_f"])


@pytest.mark.parametrize(
    "target", ["shop_missing", "shop_missing:crew", "shop_g.missing", "shop_missing.jobs:crew"]
)
def test_a_module_that_is_not_there_is_named(write: Write, target: str) -> None:
    write("shop_g.__init__", "")
    module = target.partition(":")[0]
    with pytest.raises(CrewError, match=f"there is no module '{module}'; name a crew as module:crew"):
        load([target])


@pytest.mark.parametrize("target", ["", ":crew", "jobs/crew.py", ".jobs", "shop..jobs", "my-jobs:crew"])
def test_what_can_be_no_module_is_refused(target: str) -> None:
    with pytest.raises(CrewError, match="names no module; name a crew as module:crew"):
        load([target])


def test_a_crew_that_is_not_there_is_named(write: Write) -> None:
    write("shop_h", "crew = 7\n")
    with pytest.raises(CrewError, match="'shop_h' has no crew named 'jobs'"):
        load(["shop_h:jobs"])
    with pytest.raises(CrewError, match="'shop_h' has no crew named 'crew'"):
        load(["shop_h"])


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("import pandaz", ModuleNotFoundError, "pandaz"),
        ("import shop", ModuleNotFoundError, "No module named 'shop'"),
        ("from rowcrew import Crewe", ImportError, "Crewe"),
        ("1 / 0", ZeroDivisionError, "division"),
        ("def (", SyntaxError, "invalid syntax"),
    ],
)
def test_an_error_inside_the_module_is_shown_as_it_is(
    write: Write, text: str, error: type[Exception], message: str
) -> None:
    write("shop_i", text)
    with pytest.raises(error, match=message) as shown:
        load(["shop_i"])
    assert not isinstance(shown.value, CrewError)
